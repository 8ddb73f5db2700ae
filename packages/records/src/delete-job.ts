import type { RecordsContext } from './records-context.js';
import { Script } from './script.js';

const script = new Script(`
local job = ARGV[1]
local key = P .. 'job:' .. job
local row = redis.call('HMGET', key, 'status', 'owner', 'runningAttempts')
if not row[1] then return 'absent' end
if row[3] ~= '0' or not (row[1] == 'succeeded' or row[1] == 'failed' or row[1] == 'canceled') then return row[1] end
add_event('job-deleted', job)
for _, task in ipairs(redis.call('LRANGE', key .. ':tasks', 0, -1)) do
  local task_key = P .. 'task:' .. task
  for _, attempt in ipairs(redis.call('LRANGE', task_key .. ':attempts', 0, -1)) do redis.call('DEL', P .. 'attempt:' .. attempt) end
  redis.call('DEL', task_key, task_key .. ':attempts', task_key .. ':pieces', task_key .. ':excluded')
end
for _, scope in ipairs({row[2], '*'}) do
  redis.call('ZREM', P .. 'jobs:' .. scope .. ':all', job)
  redis.call('ZREM', P .. 'jobs:' .. scope .. ':' .. row[1], job)
end
redis.call('ZREM', P .. 'ended-jobs', job)
redis.call('DEL', key, key .. ':tasks', key .. ':events')
return 'deleted'
`);

/** Forgets an ended job; the storage sweep removes its objects. Answers the status that forbids it otherwise. */
export async function deleteJob(context: RecordsContext, jobId: string): Promise<string> {
  return (await script.run(context.redis, jobId)) as string;
}
