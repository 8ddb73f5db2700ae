import { advance } from './advance.js';
import { type RecordsContext, ticketsFrom } from './records-context.js';
import { Script } from './script.js';

const script = new Script(`
local job = ARGV[1]
local key = P .. 'job:' .. job
local row = redis.call('HMGET', key, 'status', 'shrunk', 'rendersLeft', 'runningAttempts')
if not row[1] then return {'absent'} end
if row[1] ~= 'failed' and row[1] ~= 'canceled' then return {row[1]} end
if row[2] == '1' then return {'shrunk'} end
-- Attempts that were told to stop hold their tasks until they have ended.
if row[4] ~= '0' then return {'stopping'} end
local tickets = {}
for _, task in ipairs(redis.call('LRANGE', key .. ':tasks', 0, -1)) do
  local task_key = P .. 'task:' .. task
  local task_row = redis.call('HMGET', task_key, 'status', 'kind')
  if task_row[2] == 'assemble' then
    redis.call('HSET', task_key, 'status', 'pending', 'failures', 0, 'losses', 0)
    redis.call('DEL', task_key .. ':excluded')
  elseif task_row[1] ~= 'succeeded' then
    redis.call('HSET', task_key, 'failures', 0, 'losses', 0)
    redis.call('DEL', task_key .. ':excluded')
    tickets[#tickets + 1] = make_ready(task, 0)
  elseif task_row[2] == 'render' and row[1] == 'canceled' then
    -- Canceling dropped its pieces.
    redis.call('HINCRBY', key, 'rendersLeft', 1)
    tickets[#tickets + 1] = make_ready(task, 0)
  end
end
redis.call('HSET', key, 'error', '', 'endedAt', '')
redis.call('ZREM', P .. 'ended-jobs', job)
redis.call('SADD', P .. 'live-jobs', job)
move_job(job, not row[3] and 'preparing' or (redis.call('HGET', key, 'startedAt') and 'running' or 'queued'))
return {'retried', tickets}
`);

export type RetryOutcome =
  | 'absent'
  | 'retried'
  | 'shrunk'
  | 'stopping'
  | 'preparing'
  | 'queued'
  | 'running'
  | 'paused'
  | 'canceling'
  | 'succeeded';

/** Starts a failed or canceled job again from what is committed; answers the status that forbids it otherwise. */
export async function retryJob(context: RecordsContext, jobId: string): Promise<RetryOutcome> {
  const [outcome, tickets] = (await script.run(context.redis, jobId)) as [RetryOutcome, unknown?];
  if (outcome === 'retried') {
    await context.enqueue(ticketsFrom(tickets));
    // Where every render had succeeded, the next step is the planner's.
    await advance(context, jobId);
  }
  return outcome;
}
