import { CommandError } from '../errors.js';
import { exitCodeOf } from '../exit-code-of.js';
import { exitCodes } from '../exit-codes.js';
import { errorDocument, errorText } from '../output/error-text.js';
import type { CommandContext } from './command.js';

class SomeRefusedError extends CommandError {
  constructor(failures: readonly Error[], { count, noun }: { readonly count: number; readonly noun: string }) {
    const exitCode = failures.length < count ? exitCodes.partlyMade : exitCodeOf(failures[0]);
    super('some-refused', `${failures.length} of ${count} ${noun} refused.`, { exitCode, cause: failures[0] });
  }
}

export interface ForEachOptions {
  readonly context: CommandContext;
  readonly json: true | undefined;
  /** What the ids name: the field of the JSON document. */
  readonly noun: 'jobs' | 'workers';
  readonly act: (id: string) => Promise<Acted>;
}

export interface Acted {
  /** The result in one word, for a person. */
  readonly word: string;
  /** The same for a program, next to the id. */
  readonly document: object;
}

/** Does one thing to each of several; one that refuses does not stop the others. */
export async function forEach(ids: readonly string[], { context, json, noun, act }: ForEachOptions): Promise<void> {
  const { output, signal } = context;
  const results: unknown[] = [];
  const failures: Error[] = [];
  for (const id of ids) {
    try {
      const { word, document } = await act(id);
      results.push({ id, ...document });
      if (!json) output.line(`${id}  ${word}`);
    } catch (error) {
      if (signal.aborted || ids.length === 1 || !(error instanceof Error)) throw error;
      failures.push(error);
      results.push({ id, error: errorDocument(error) });
      if (!json) output.note(`${id}  ${errorText(error)}`);
    }
  }
  if (json) output.json({ [noun]: results });
  if (failures.length === 0) return;
  throw new SomeRefusedError(failures, { count: ids.length, noun });
}
