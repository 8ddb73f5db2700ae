import { RecordsLostError } from '../identity/errors.js';
import type { RecordsContext } from '../records-context.js';
import { KEY_PREFIX } from '../redis/key-prefix.js';
import { Script } from '../redis/script.js';

const INCOMING = `${KEY_PREFIX}incoming-jobs`;

const noteScript = new Script({
  name: 'noteSubmit',
  arguments: { farmId: 'text', jobId: 'text' },
  body: `
-- Keys: storage-root, incoming-jobs
if farm_id ~= '' and redis.call('GET', P .. 'storage-root') ~= farm_id then return 'lost' end
redis.call('ZADD', P .. 'incoming-jobs', now, job_id)
return 'noted'
`,
});

/**
 * Notes, before the first byte is stored, that the objects of this job come from a submit, and that it is still under way.
 * \`createJob\` ends it.
 *
 * @throws RecordsLostError where Redis no longer knows the farm
 */
export async function noteSubmit(context: RecordsContext, jobId: string): Promise<void> {
  const reply = await noteScript.run(context.redis, { farmId: context.farmId ?? '', jobId });
  if (reply === 'lost') throw new RecordsLostError(context);
}

/** For a submit that was refused and has left nothing in storage. */
export async function forgetSubmit(context: RecordsContext, jobId: string): Promise<void> {
  await context.redis.zrem(INCOMING, jobId);
}

const silentScript = new Script({
  name: 'listSilentSubmits',
  arguments: { silentMs: 'number' },
  body: `
-- Keys: incoming-jobs
return redis.call('ZRANGEBYSCORE', P .. 'incoming-jobs', '-inf', now - silent_ms)
`,
});

/** Submits of which nothing was heard for \`silentMs\`: their process ended before the job was recorded. */
export async function listSilentSubmits(context: RecordsContext, silentMs: number): Promise<string[]> {
  return (await silentScript.run(context.redis, { silentMs })) as string[];
}

const abandonScript = new Script({
  name: 'abandonSubmit',
  arguments: { jobId: 'text', silentMs: 'number' },
  body: `
-- Keys: incoming-jobs, job:<job>, deleted-jobs
local heard = tonumber(redis.call('ZSCORE', P .. 'incoming-jobs', job_id))
if not heard or heard > now - silent_ms then return 0 end
redis.call('ZREM', P .. 'incoming-jobs', job_id)
if redis.call('EXISTS', P .. 'job:' .. job_id) == 1 then return 0 end
redis.call('ZADD', P .. 'deleted-jobs', now, job_id)
return 1
`,
});

/** Whether the submit has now failed for good: from here on \`createJob\` refuses it, and its objects may be deleted. */
export async function abandonSubmit(context: RecordsContext, jobId: string, silentMs: number): Promise<boolean> {
  return (await abandonScript.run(context.redis, { jobId, silentMs })) === 1;
}
