import { Command, CommanderError } from 'commander';
import type { CommandContext } from './commands/command.js';
import { commands } from './commands/registry.js';
import { CommandError, exitCodeMeanings, exitCodeOf, exitCodes, usageError } from './exit-codes.js';
import { errorDocument, errorText } from './output/error-text.js';
import { translateSubmitArguments } from './upstream/translate-arguments.js';

/** The whole program. @returns the exit code; see `exitCodes`. */
export async function runFarm(commandLine: readonly string[], context: CommandContext): Promise<number> {
  const json = commandLine.includes('--json');
  try {
    const words = translateSubmitArguments(commandLine, context.output.note);
    await createProgram(context, { json }).parseAsync(words, { from: 'user' });
    return exitCodes.done;
  } catch (error) {
    if (!(error instanceof CommanderError)) return report(error, json, context);
    if (error.exitCode === 0) return exitCodes.done;
    return json ? report(usageError(error.message.replace(/^error: /, '')), json, context) : exitCodes.usage;
  }
}

/** @param options.json what is wrong with the command line is left to the caller to say */
export function createProgram(context: CommandContext, options: { json: boolean } = { json: false }): Command {
  const program = new Command('farm')
    .description('Talking-avatar video from a portrait and a recording, rendered by a farm of GPUs.')
    .version('0.1.0', '-V, --version', 'print the version')
    .addHelpText('after', `\n${exitCodeHelp()}`);
  for (const create of commands) program.addCommand(create(context));
  for (const command of allCommands(program)) {
    command
      .exitOverride()
      .showHelpAfterError(`(\`farm ${nameOf(command)}--help\` shows what there is)`)
      .configureOutput({
        writeOut: (text) => void context.output.stdout.write(text),
        writeErr: (text) => void (options.json || context.output.stderr.write(text)),
      });
  }
  return program;
}

function report(error: unknown, json: boolean, { output, environment }: CommandContext): number {
  const code = exitCodeOf(error);
  if (error instanceof CommandError && error.alreadyTold) return code;
  if (json) output.note(JSON.stringify({ error: errorDocument(error) }));
  else output.note(errorText(error));
  if (code === exitCodes.unexpected && environment.FARM_DEBUG && error instanceof Error) output.note(error.stack ?? '');
  return code;
}

function exitCodeHelp(): string {
  const names = Object.keys(exitCodes) as Array<keyof typeof exitCodes>;
  const rows = names.map((name) => `  ${String(exitCodes[name]).padStart(3)}  ${exitCodeMeanings[name]}`);
  return ['Exit codes:', ...rows].join('\n');
}

function* allCommands(command: Command): Generator<Command> {
  yield command;
  for (const child of command.commands) yield* allCommands(child);
}

function nameOf(command: Command): string {
  return command.parent === null ? '' : `${nameOf(command.parent)}${command.name()} `;
}
