import type { JobStatus } from '@farm/contracts';
import { KEY_PREFIX } from '../redis/key-prefix.js';
import type { Reader } from '../redis/read-hash.js';
import { getJob } from './get-job.js';
import type { JobRecord } from './job-record.js';

export interface JobPage {
  jobs: JobRecord[];
  /** Pass it as `cursor` to read the next page; absent on the last one. */
  nextCursor?: string;
}

/**
 * Newest first. `owner` undefined lists everyone's. The cursor is `<createdAt>-<id>` of the last job seen. With
 * `onUnreadable`, a record that cannot be read is reported and left out.
 */
export async function listJobs(
  context: Reader,
  query: {
    owner?: string;
    status?: JobStatus;
    limit: number;
    cursor?: string;
    onUnreadable?: (jobId: string, error: unknown) => void;
  },
): Promise<JobPage> {
  const key = `${KEY_PREFIX}jobs:${query.owner ?? '*'}:${query.status ?? 'all'}`;
  const [createdAt, lastId] = query.cursor?.split('-') ?? [];
  const found: { id: string; createdAt: string }[] = [];
  // Jobs of one millisecond share a score and sort by id: start from the cursor's score and skip what was seen.
  let offset = 0;
  while (found.length <= query.limit) {
    const max = createdAt ?? '+inf';
    const ids = await context.redis.zrevrangebyscore(key, max, '-inf', 'WITHSCORES', 'LIMIT', offset, query.limit + 1);
    for (let i = 0; i < ids.length; i += 2)
      if (!lastId || ids[i + 1] !== createdAt || ids[i]! < lastId) found.push({ id: ids[i]!, createdAt: ids[i + 1]! });
    if (ids.length < 2 * (query.limit + 1)) break;
    offset += query.limit + 1;
  }
  const read = async (id: string) => {
    try {
      return await getJob(context, id);
    } catch (error) {
      if (!query.onUnreadable) throw error;
      return query.onUnreadable(id, error);
    }
  };
  const page = found.slice(0, query.limit);
  const jobs = (await Promise.all(page.map(({ id }) => read(id)))).filter((job) => job !== undefined);
  const last = page.at(-1);
  return found.length > query.limit && last ? { jobs, nextCursor: `${last.createdAt}-${last.id}` } : { jobs };
}
