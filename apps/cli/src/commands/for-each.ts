import { CommandError, exitCodeOf, exitCodes } from '../exit-codes.js';
import { errorDocument, errorText } from '../output/error-text.js';
import type { CommandContext } from './command.js';

export interface ForEachOptions {
  readonly context: CommandContext;
  readonly json: true | undefined;
  /** What the ids name: the field of the JSON document. */
  readonly noun: 'jobs' | 'workers';
  readonly act: (id: string) => Promise<Acted>;
}

export interface Acted {
  /** What became of it, for a person. */
  readonly word: string;
  /** The same for a program, beside the id. */
  readonly document: object;
}

/** Does one thing to several; one that refuses does not keep the others from it. */
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
  const exitCode = failures.length < ids.length ? exitCodes.partlyMade : exitCodeOf(failures[0]);
  const message = `${failures.length} of ${ids.length} ${noun} refused.`;
  throw new CommandError({ code: 'some-refused', exitCode, message, cause: failures[0] });
}
