import type { RecordsContext } from '../records-context.js';
import { KEY_PREFIX } from '../redis/key-prefix.js';
import { advance } from './advance.js';

/**
 * Calls `advance` on every job that has not ended: a crash between a commit and its follow-up costs one sweep. A job
 * that cannot be read is reported and delays no other. Returns how many jobs there were.
 */
export async function advanceLiveJobs(
  context: RecordsContext,
  onFailed: (jobId: string, error: unknown) => void,
): Promise<number> {
  let cursor = '0';
  let count = 0;
  do {
    const [next, ids] = await context.redis.sscan(`${KEY_PREFIX}live-jobs`, cursor, 'COUNT', 200);
    for (const id of ids) await advance(context, id).catch((error: unknown) => onFailed(id, error));
    cursor = next;
    count += ids.length;
  } while (cursor !== '0');
  return count;
}
