import type { RecordsContext } from '../records-context.js';
import { KEY_PREFIX } from '../redis/key-prefix.js';
import type { Reader } from '../redis/read-hash.js';
import { Script } from '../redis/script.js';

const DELETED = `${KEY_PREFIX}deleted-jobs`;

/** Jobs that were deleted, or never came to be, and whose objects may still be in storage. */
export const listDeletedJobs = (context: Reader): Promise<string[]> => context.redis.zrange(DELETED, 0, '-1');

const forgetScript = new Script({
  name: 'forgetDeletedJob',
  arguments: { jobId: 'text', olderThanMs: 'number' },
  body: `
-- Keys: deleted-jobs
local deleted = tonumber(redis.call('ZSCORE', P .. 'deleted-jobs', job_id))
if not deleted or deleted > now - older_than_ms then return 0 end
return redis.call('ZREM', P .. 'deleted-jobs', job_id)
`,
});

/** For a job that has no object left; one that was deleted just now may still get one, such as the end of a log. */
export async function forgetDeletedJob(context: RecordsContext, jobId: string, olderThanMs: number): Promise<void> {
  await forgetScript.run(context.redis, { jobId, olderThanMs });
}

const rememberScript = new Script({
  name: 'rememberDeletedJob',
  arguments: { jobId: 'text' },
  body: `
-- Keys: deleted-jobs
redis.call('ZADD', P .. 'deleted-jobs', 'NX', now, job_id)
`,
});

/** Notes a job that the storage says was deleted: the sweep removes what is left of it. */
export async function rememberDeletedJob(context: RecordsContext, jobId: string): Promise<void> {
  await rememberScript.run(context.redis, { jobId });
}
