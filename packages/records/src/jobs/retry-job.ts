import { type RecordsContext, ticketsFrom } from '../records-context.js';
import { Script } from '../redis/script.js';
import { advance } from './advance.js';

const script = new Script({
  name: 'retryJob',
  arguments: { jobId: 'text' },
  once: true,
  body: `
-- Keys: job:<job> and :tasks, task:<task>, :excluded and :failed-on of each, ready:<class>, jobs:<owner>:<status>, live-jobs,
-- ended-jobs, events
local key = P .. 'job:' .. job_id
local row = redis.call('HMGET', key, 'status', 'shrunk', 'rendersLeft', 'runningAttempts', 'startedAt')
local status, shrunk, renders_left, running_attempts, started_at = row[1], row[2], row[3], row[4], row[5]
if not status then return {'absent'} end
if status ~= 'failed' and status ~= 'canceled' then return {status} end
if shrunk == '1' then return {'shrunk'} end
-- Attempts that were told to stop hold their tasks until they have ended.
if running_attempts ~= '0' then return {'stopping'} end
local tickets = {}
for _, task in ipairs(redis.call('LRANGE', key .. ':tasks', 0, -1)) do
  local task_key = P .. 'task:' .. task
  local task_row = redis.call('HMGET', task_key, 'status', 'kind')
  local task_status, kind = task_row[1], task_row[2]
  if kind == 'assemble' then
    redis.call('HSET', task_key, 'status', 'pending')
    forget_failures(task_key)
  elseif task_status ~= 'succeeded' then
    forget_failures(task_key)
    tickets[#tickets + 1] = make_ready(task, 0)
  elseif kind == 'render' and status == 'canceled' then
    -- Canceling dropped its pieces.
    redis.call('HINCRBY', key, 'rendersLeft', 1)
    tickets[#tickets + 1] = make_ready(task, 0)
  end
end
redis.call('HSET', key, 'error', '', 'endedAt', '', 'recoveries', 0)
forget_machine_failures(job_id)
redis.call('ZREM', P .. 'ended-jobs', job_id)
redis.call('SADD', P .. 'live-jobs', job_id)
move_job(job_id, not renders_left and 'preparing' or (started_at and 'running' or 'queued'))
return {'retried', tickets}
`,
});

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

/** Restarts a failed or canceled job from what is committed; otherwise returns the status that forbids it. */
export async function retryJob(context: RecordsContext, jobId: string): Promise<RetryOutcome> {
  const [outcome, tickets] = (await script.run(context.redis, { jobId })) as [RetryOutcome, unknown?];
  if (outcome === 'retried') {
    await context.enqueue(ticketsFrom(tickets));
    // Where every render had succeeded, the next step is the planner's.
    await advance(context, jobId);
  }
  return outcome;
}
