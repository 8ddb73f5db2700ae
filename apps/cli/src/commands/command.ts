import { FarmClient } from '@farm/client';
import { Command, Option } from 'commander';
import { type ConnectionOptions, locateFarm } from '../farm-location.js';
import type { Output } from '../output/output.js';

/** What a command may use of the world; tests pass in their own. */
export interface CommandContext {
  readonly environment: NodeJS.ProcessEnv;
  readonly output: Output;
  /** Aborted by Ctrl-C and SIGTERM. A second Ctrl-C ends the process immediately. */
  readonly signal: AbortSignal;
}

/** Creates a command of the program. One file per command; `registry.ts` lists them. */
export type FarmCommand = (context: CommandContext) => Command;

export interface JsonOption {
  readonly json?: true;
}

export type ClientOptions = ConnectionOptions & JsonOption;

/** A command that talks to a farm. */
export function clientCommand(name: string): Command {
  return new Command(name)
    .option('--json', 'print JSON for programs')
    .addOption(
      new Option('--url <url>', 'address of the farm (FARM_URL); default: the one that `farm up` runs here').helpGroup(
        GROUP,
      ),
    )
    .addOption(new Option('--key <key>', 'your key (FARM_KEY)').helpGroup(GROUP))
    .addOption(new Option('--key-file <file>', 'file that holds your key (FARM_KEY_FILE)').helpGroup(GROUP))
    .addOption(
      new Option('--data <folder>', 'folder of a farm on this machine, for its address and key').helpGroup(GROUP),
    );
}

const GROUP = 'Which farm:';

/** @param note prints that a call is repeated; a live view puts it above what it repaints */
export async function openClient(
  context: CommandContext,
  options: ClientOptions,
  note: (text: string) => void = context.output.note,
): Promise<FarmClient> {
  const { url, key } = await locateFarm(options, context.environment);
  let shown = '';
  const onRetry = (reason: string) => {
    if (shown !== reason) note(`Trying again: ${reason}`);
    shown = reason;
  };
  return new FarmClient({ url, key, onRetry, signal: context.signal });
}

/** The examples at the end of a command's help: what to type, then what it does. */
export function examples(lines: ReadonlyArray<readonly [command: string, meaning: string]>): string {
  return `\nExamples:\n${lines.map(([command, meaning]) => `  $ ${command}\n      ${meaning}`).join('\n')}\n`;
}
