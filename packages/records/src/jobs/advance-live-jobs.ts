import type { RecordsContext } from '../records-context.js';
import { advance } from './advance.js';
import { listLiveJobs } from './list-live-jobs.js';

/**
 * Calls `advance` on every job that has not ended: a crash between a commit and its follow-up costs one sweep. A job
 * that cannot be read is reported and delays no other. Returns how many jobs there were.
 */
export async function advanceLiveJobs(
  context: RecordsContext,
  onFailed: (jobId: string, error: unknown) => void,
): Promise<number> {
  let count = 0;
  for await (const id of listLiveJobs(context)) {
    await advance(context, id).catch((error: unknown) => onFailed(id, error));
    count += 1;
  }
  return count;
}
