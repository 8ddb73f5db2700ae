import { type RecordedError, type Retriable, recordedError } from '@farm/contracts';
import { advance } from '../jobs/advance.js';
import { type RecordsContext, ticketsFrom } from '../records-context.js';
import { Script } from '../redis/script.js';
import { WorkerLostError } from './errors.js';

/** Failures of one task before its job fails. */
export const MAX_FAILURES = 3;
/** Workers that may be lost during one task: more than failures, since preemptible machines vanish without fault. */
export const MAX_LOSSES = 20;
/** How long a worker is passed over after it failed a task in a way that another one may not. */
const EXCLUDED_MS = 60_000;
const BACKOFF_MS = 1000;

export type AttemptOutcome =
  | { status: 'succeeded'; result: unknown; metrics: Record<string, unknown> }
  | { status: 'failed'; error: RecordedError; retriable: Retriable; metrics: Record<string, unknown> }
  | { status: 'interrupted'; metrics: Record<string, unknown> }
  | { status: 'lost' };

const script = new Script({
  name: 'finishAttempt',
  arguments: {
    attemptId: 'text',
    status: 'text',
    retriable: 'text',
    error: 'text',
    metrics: 'text',
    result: 'text',
  },
  body: `
-- Keys: attempt:<attempt>, leases, task:<task> and :excluded, job:<job>, worker:<worker>:attempts, running-by-owner,
-- events; when the task is ready again or the job ends also ready:<class>, jobs:<owner>:<status>, live-jobs, ended-jobs
local row = redis.call('HMGET', P .. 'attempt:' .. attempt_id, 'status', 'taskId', 'jobId', 'workerId')
local attempt_status, task, job, worker = row[1], row[2], row[3], row[4]
if attempt_status ~= 'running' then return {'fenced'} end
-- Its worker may have renewed the lease since the sweep read it.
if status == 'lost' and tonumber(redis.call('ZSCORE', P .. 'leases', attempt_id) or '0') > now then return {'fenced'} end
local key = P .. 'task:' .. task
local held, _, job_status = holds(task, attempt_id)
local incomplete = false
if status == 'succeeded' and held then
  local frames = redis.call('HMGET', key, 'kind', 'frameCount', 'framesCommitted')
  incomplete = frames[1] == 'render' and frames[2] ~= frames[3]
end
if incomplete then return {'incomplete'} end

end_attempt(attempt_id, status, error, metrics)
if not held then
  -- The job failed meanwhile: its running tasks end here.
  if redis.call('HGET', key, 'attemptId') == attempt_id then redis.call('HSET', key, 'status', 'canceled') end
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
`,
});

function errorOf(outcome: AttemptOutcome): RecordedError | undefined {
  if (outcome.status === 'lost') return recordedError(new WorkerLostError());
  return outcome.status === 'failed' ? outcome.error : undefined;
}

/**
 * Ends an attempt once. `fenced` when it had ended before (lost, or the task went to another attempt), `incomplete` when
 * frames are missing; `advance` runs after whatever changed something.
 */
export async function finishAttempt(
  context: RecordsContext,
  attemptId: string,
  outcome: AttemptOutcome,
): Promise<'ended' | 'fenced' | 'incomplete'> {
  const error = errorOf(outcome);
  const [reply, jobId, ticket] = (await script.run(context.redis, {
    attemptId,
    status: outcome.status,
    retriable: outcome.status === 'failed' ? outcome.retriable : '',
    error: error ? JSON.stringify(error) : '',
    metrics: JSON.stringify(outcome.status === 'lost' ? {} : outcome.metrics),
    result: outcome.status === 'succeeded' ? JSON.stringify(outcome.result ?? null) : '',
  })) as ['ended' | 'fenced' | 'incomplete', string, unknown?];
  if (reply !== 'ended') return reply;
  if (ticket) await context.enqueue(ticketsFrom([ticket]));
  await advance(context, jobId);
  return 'ended';
}
