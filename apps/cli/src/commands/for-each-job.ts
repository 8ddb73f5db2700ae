import type { JobView } from '@farm/contracts';
import { CommandError, exitCodeOf, exitCodes } from '../exit-codes.js';
import { errorDocument, errorText } from '../output/error-text.js';
import type { CommandContext } from './command.js';

export interface ForEachJobOptions {
  readonly context: CommandContext;
  readonly json: true | undefined;
  readonly act: (jobId: string) => Promise<JobView>;
}

/** Does one thing to several jobs; one that refuses does not keep the others from it. */
export async function forEachJob(jobIds: readonly string[], { context, json, act }: ForEachJobOptions): Promise<void> {
  const { output, signal } = context;
  const results: unknown[] = [];
  const failures: Error[] = [];
  for (const jobId of jobIds) {
    try {
      const job = await act(jobId);
      results.push({ id: jobId, job });
      if (!json) output.line(`${jobId}  ${job.status}`);
    } catch (error) {
      signal.throwIfAborted();
      if (jobIds.length === 1 || !(error instanceof Error)) throw error;
      failures.push(error);
      results.push({ id: jobId, error: errorDocument(error) });
      if (!json) output.note(`${jobId}  ${errorText(error)}`);
    }
  }
  if (json) output.json({ jobs: results });
  if (failures.length === 0) return;
  const exitCode = failures.length < jobIds.length ? exitCodes.partlyMade : exitCodeOf(failures[0]);
  const message = `${failures.length} of ${jobIds.length} jobs refused.`;
  throw new CommandError({ code: 'some-refused', exitCode, message, cause: failures[0] });
}
