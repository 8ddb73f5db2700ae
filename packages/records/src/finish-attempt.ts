import type { RecordedError, Retriable } from '@farm/contracts';
import { advance } from './advance.js';
import { type RecordsContext, ticketsFrom } from './records-context.js';
import { Script } from './script.js';

/** Failures of one task before its job fails. */
export const MAX_FAILURES = 3;
/** Workers that may be lost under one task: more than failures, since preemptible machines vanish without fault. */
export const MAX_LOSSES = 20;
/** How long a worker is passed over after it failed a task in a way that another one may not. */
const EXCLUDED_MS = 60_000;
const BACKOFF_MS = 1000;

export type AttemptOutcome =
  | { status: 'succeeded'; result: unknown; metrics: Record<string, unknown> }
  | { status: 'failed'; error: RecordedError; retriable: Retriable; metrics: Record<string, unknown> }
  | { status: 'interrupted'; metrics: Record<string, unknown> }
  | { status: 'lost' };

const script = new Script(`
local attempt, status, retriable, error, metrics, result =
  ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local row = redis.call('HMGET', P .. 'attempt:' .. attempt, 'status', 'taskId', 'jobId', 'workerId')
if row[1] ~= 'running' then return {'fenced'} end
local task, job, worker = row[2], row[3], row[4]
-- Its worker may have renewed the lease since the sweep read it.
if status == 'lost' and tonumber(redis.call('ZSCORE', P .. 'leases', attempt) or '0') > now then return {'fenced'} end
local key = P .. 'task:' .. task
local held, _, job_status = holds(task, attempt)
local incomplete = false
if status == 'succeeded' and held then
  local frames = redis.call('HMGET', key, 'kind', 'frameCount', 'framesCommitted')
  incomplete = frames[1] == 'render' and frames[2] ~= frames[3]
end
if incomplete then return {'incomplete'} end

end_attempt(attempt, status, error, metrics)
if not held then
  -- The job failed meanwhile: its running tasks end here.
  if redis.call('HGET', key, 'attemptId') == attempt then redis.call('HSET', key, 'status', 'canceled') end
  return {'ended', job}
end
if job_status == 'canceling' then
  redis.call('HSET', key, 'status', 'canceled')
  finish_canceling(job)
  return {'ended', job}
end
if status == 'succeeded' then
  redis.call('HSET', key, 'status', 'succeeded', 'result', result)
  if redis.call('HGET', key, 'kind') == 'render' then redis.call('HINCRBY', P .. 'job:' .. job, 'rendersLeft', -1) end
  return {'ended', job}
end
if status == 'interrupted' then return {'ended', job, make_ready(task, 0)} end

local count, limit, delay
if status == 'lost' then
  count, limit, delay = redis.call('HINCRBY', key, 'losses', 1), ${MAX_LOSSES}, 0
else
  count, limit = redis.call('HINCRBY', key, 'failures', 1), ${MAX_FAILURES}
  delay = ${BACKOFF_MS} * 2 ^ (count - 1)
  if retriable == 'another-worker' then redis.call('HSET', key .. ':excluded', worker, now + ${EXCLUDED_MS}) end
end
if retriable == 'never' or count >= limit then
  redis.call('HSET', key, 'status', 'failed')
  fail_job(job, error)
  return {'ended', job}
end
return {'ended', job, make_ready(task, delay)}
`);

/**
 * Ends an attempt once. `false` when it had ended before (lost, or the task went to another attempt); `advance` runs
 * in either case that changed something.
 */
export async function finishAttempt(
  context: RecordsContext,
  attemptId: string,
  outcome: AttemptOutcome,
): Promise<'ended' | 'fenced' | 'incomplete'> {
  const error =
    outcome.status === 'failed'
      ? outcome.error
      : outcome.status === 'lost'
        ? { code: 'worker-lost', message: 'The worker stopped answering; its lease ran out.' }
        : undefined;
  const [reply, jobId, ticket] = (await script.run(
    context.redis,
    attemptId,
    outcome.status,
    outcome.status === 'failed' ? outcome.retriable : '',
    error ? JSON.stringify(error) : '',
    JSON.stringify(outcome.status === 'lost' ? {} : outcome.metrics),
    outcome.status === 'succeeded' ? JSON.stringify(outcome.result ?? null) : '',
  )) as ['ended' | 'fenced' | 'incomplete', string, unknown?];
  if (reply !== 'ended') return reply;
  if (ticket) await context.enqueue(ticketsFrom([ticket]));
  await advance(context, jobId);
  return 'ended';
}
