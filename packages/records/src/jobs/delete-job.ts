import type { RecordsContext } from '../records-context.js';
import { Script } from '../redis/script.js';

const script = new Script({
  name: 'deleteJob',
  arguments: { jobId: 'text' },
  once: true,
  body: `
-- Keys: job:<job> and everything below it, jobs:<owner>:all and :<status>, ended-jobs, deleted-jobs, events
local key = P .. 'job:' .. job_id
local row = redis.call('HMGET', key, 'status', 'owner', 'runningAttempts')
local status, owner, running_attempts = row[1], row[2], row[3]
if not status then return 'absent' end
local ended = status == 'succeeded' or status == 'failed' or status == 'canceled'
if running_attempts ~= '0' or not ended then return status end
add_event('job-deleted', job_id)
drop_details(job_id)
for _, scope in ipairs({owner, '*'}) do
  redis.call('ZREM', P .. 'jobs:' .. scope .. ':all', job_id)
  redis.call('ZREM', P .. 'jobs:' .. scope .. ':' .. status, job_id)
end
redis.call('DEL', key)
redis.call('ZADD', P .. 'deleted-jobs', now, job_id)
return 'deleted'
`,
});

/** Forgets an ended job; the storage sweep removes its objects. Returns the status that forbids it otherwise. */
export async function deleteJob(context: RecordsContext, jobId: string): Promise<string> {
  return (await script.run(context.redis, { jobId })) as string;
}
