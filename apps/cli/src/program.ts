import { Command } from 'commander';
import type { CommandContext } from './commands/command.js';
import { commands } from './commands/registry.js';
import { exitCodeMeanings, exitCodes } from './exit-codes.js';

/** @param options.json what is wrong with the command line is left to the caller to report */
export function createProgram(context: CommandContext, options: { json: boolean } = { json: false }): Command {
  const program = new Command('farm')
    .description('Talking-avatar video from a portrait and a recording, rendered by a farm of GPUs.')
    .version('0.1.0', '-V, --version', 'print the version')
    .addHelpText('after', `\n${exitCodeHelp()}`);
  for (const create of commands) program.addCommand(create(context));
  for (const command of allCommands(program)) {
    command
      .exitOverride()
      .showHelpAfterError(`(\`farm ${nameOf(command)}--help\` lists what there is)`)
      .configureOutput({
        writeOut: (text) => void context.output.stdout.write(text),
        writeErr: (text) => void (options.json || context.output.stderr.write(text)),
      });
  }
  return program;
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
