import type { JobStatus } from '@farm/contracts';
import { KEY_PREFIX } from '../redis/key-prefix.js';
import type { Reader } from '../redis/read-hash.js';

/** Jobs of each status, over all owners. */
export async function countJobs(context: Reader, statuses: readonly JobStatus[]): Promise<Record<string, number>> {
  const entries = await Promise.all(
    statuses.map(async (status) => [status, await context.redis.zcard(`${KEY_PREFIX}jobs:*:${status}`)] as const),
  );
  return Object.fromEntries(entries);
}
