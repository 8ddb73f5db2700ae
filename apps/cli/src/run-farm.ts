import { CommanderError } from 'commander';
import type { CommandContext } from './commands/command.js';
import { CommandError, UsageError } from './errors.js';
import { exitCodeOf } from './exit-code-of.js';
import { exitCodes } from './exit-codes.js';
import { translateFormerNames } from './former-names.js';
import { errorDocument, errorText } from './output/error-text.js';
import { createProgram } from './program.js';
import { translateSubmitArguments } from './upstream/translate-arguments.js';

/** The whole program. @returns the exit code; see `exitCodes`. */
export async function runFarm(commandLine: readonly string[], context: CommandContext): Promise<number> {
  const json = commandLine.includes('--json');
  try {
    const words = translateSubmitArguments(translateFormerNames(commandLine), context.output.note);
    await createProgram(context, { json }).parseAsync(words, { from: 'user' });
    return exitCodes.done;
  } catch (error) {
    if (!(error instanceof CommanderError)) return report(error, json, context);
    if (error.exitCode === 0) return exitCodes.done;
    if (!json) return exitCodes.usage;
    return report(new UsageError(error.message.replace(/^error: /, '')), json, context);
  }
}

function report(error: unknown, json: boolean, { output, environment }: CommandContext): number {
  const code = exitCodeOf(error);
  if (error instanceof CommandError && error.isExplained) return code;
  if (json) output.note(JSON.stringify({ error: errorDocument(error) }));
  else output.note(errorText(error));
  if (code === exitCodes.unexpected && environment.FARM_DEBUG && error instanceof Error) output.note(error.stack ?? '');
  return code;
}
