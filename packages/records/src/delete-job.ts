import type { RecordsContext } from './records-context.js';
import { Script } from './script.js';

const script = new Script(`
local job = ARGV[1]
local key = P .. 'job:' .. job
local row = redis.call('HMGET', key, 'status', 'owner', 'runningAttempts')
if not row[1] then return 'absent' end
if row[3] ~= '0' or not (row[1] == 'succeeded' or row[1] == 'failed' or row[1] == 'canceled') then return row[1] end
add_event('job-deleted', job)
drop_details(job)
for _, scope in ipairs({row[2], '*'}) do
  redis.call('ZREM', P .. 'jobs:' .. scope .. ':all', job)
  redis.call('ZREM', P .. 'jobs:' .. scope .. ':' .. row[1], job)
end
redis.call('DEL', key)
return 'deleted'
`);

/** Forgets an ended job; the storage sweep removes its objects. Answers the status that forbids it otherwise. */
export async function deleteJob(context: RecordsContext, jobId: string): Promise<string> {
  return (await script.run(context.redis, jobId)) as string;
}
