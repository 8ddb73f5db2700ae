import { type FailureClass, type RecordedError, recordedError } from '@farm/contracts';
import { advance } from '../jobs/advance.js';
import { endForLostObjects, type LostObject } from '../jobs/end-for-lost-objects.js';
import { type RecordsContext, ticketsFrom } from '../records-context.js';
import { Script } from '../redis/script.js';
import { workerFailures } from '../workers/worker-failures.js';
import { WorkerLostError } from './errors.js';
import { MAX_LOSSES, taskFailures } from './task-failures.js';

export type AttemptOutcome =
  | { status: 'succeeded'; result: unknown; metrics: Record<string, unknown> }
  | {
      status: 'failed';
      error: RecordedError;
      failureClass: FailureClass;
      metrics: Record<string, unknown>;
      /** The failure says nothing about the task: an engine that did not start, a scratch folder that cannot be used. */
      ofNoTask?: boolean;
      /** The job's objects that are missing or corrupt in storage: they are made again, and nothing counts. */
      lostObjects?: readonly LostObject[];
    }
  | { status: 'interrupted'; metrics: Record<string, unknown> }
  | { status: 'lost' };

const script = new Script({
  name: 'finishAttempt',
  arguments: {
    attemptId: 'text',
    status: 'text',
    failureClass: 'text',
    alikeCode: 'text',
    error: 'text',
    metrics: 'text',
    result: 'text',
  },
  body: `
${workerFailures}
${taskFailures}
-- Keys: attempt:<attempt>, leases, task:<task>, :excluded and :failed-on, job:<job>, worker:<worker> and :attempts,
-- running-by-owner, events; when the task is ready again or the job ends also ready:<class>, jobs:<owner>:<status>, live-jobs, ended-jobs
local row = redis.call('HMGET', P .. 'attempt:' .. attempt_id, 'status', 'taskId', 'jobId', 'workerId', 'outcome')
local attempt_status, task, job, worker = row[1], row[2], row[3], row[4]
-- Its job is deleted: nobody else would take the lease away.
if not attempt_status then
  redis.call('ZREM', P .. 'leases', attempt_id)
  redis.call('SREM', P .. 'leases-extended', attempt_id)
  return {'fenced'}
end
local outcome = redis.sha1hex(table.concat(ARGV, '\\0', 2))
-- The reply to an earlier call may have been lost: the same outcome gets the same answer.
if attempt_status ~= 'running' then
  if row[5] ~= outcome then return {'fenced'} end
  return {'ended', job, ready_ticket(task)}
end
-- Its worker may have renewed the lease since the sweep read it.
if status == 'lost' and tonumber(redis.call('ZSCORE', P .. 'leases', attempt_id) or '0') > now then return {'fenced'} end
local key = P .. 'task:' .. task
local incomplete = false
if status == 'succeeded' and holds(task, attempt_id) then
  local frames = redis.call('HMGET', key, 'kind', 'frameCount', 'framesCommitted')
  incomplete = frames[1] == 'render' and frames[2] ~= frames[3]
end
if incomplete then return {'incomplete'} end

redis.call('HSET', P .. 'attempt:' .. attempt_id, 'outcome', outcome)
end_attempt(attempt_id, status, error, metrics)
redis.call('HSET', P .. 'attempt:' .. attempt_id, 'failureClass', failure_class)
if ended_with_job(task, attempt_id) then return {'ended', job} end
if status == 'succeeded' then
  redis.call('HSET', key, 'status', 'succeeded', 'result', result)
  count_success(task, job, worker)
  if redis.call('HGET', key, 'kind') == 'render' then redis.call('HINCRBY', P .. 'job:' .. job, 'rendersLeft', -1) end
  return {'ended', job}
end
if status == 'interrupted' then return {'ended', job, make_ready(task, 0)} end

local ends, delay = false, 0
if status == 'lost' then
  ends = redis.call('HINCRBY', key, 'losses', 1) >= ${MAX_LOSSES}
else
  ends, delay = count_failure(task, job, worker, {class = failure_class, code = alike_code, error = error})
end
if ends then
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

function failureClassOf(outcome: AttemptOutcome): FailureClass | '' {
  if (outcome.status === 'failed') return outcome.failureClass;
  if (outcome.status === 'lost') return 'machine';
  return outcome.status === 'interrupted' ? 'stop' : '';
}

/** By what two failures of a task are alike; storage that is unavailable is so for everybody. */
function alikeCodeOf(outcome: AttemptOutcome): string {
  if (outcome.status !== 'failed' || outcome.ofNoTask || outcome.failureClass === 'storage') return '';
  return outcome.error.code;
}

/**
 * Ends an attempt once. `ended` also when it ended with this very outcome before; `fenced` when it ended with another one
 * (lost, or the task went to another attempt); `incomplete` when frames are missing. `advance` runs after every `ended`.
 */
export async function finishAttempt(
  context: RecordsContext,
  attemptId: string,
  outcome: AttemptOutcome,
): Promise<'ended' | 'fenced' | 'incomplete'> {
  if (outcome.status === 'failed' && outcome.lostObjects)
    return endForLostObjects(context, attemptId, { ...outcome, lostObjects: outcome.lostObjects });
  const error = errorOf(outcome);
  const [reply, jobId, ticket] = (await script.run(context.redis, {
    attemptId,
    status: outcome.status,
    failureClass: failureClassOf(outcome),
    alikeCode: alikeCodeOf(outcome),
    error: error ? JSON.stringify(error) : '',
    metrics: JSON.stringify(outcome.status === 'lost' ? {} : outcome.metrics),
    result: outcome.status === 'succeeded' ? JSON.stringify(outcome.result ?? null) : '',
  })) as ['ended' | 'fenced' | 'incomplete', string, unknown?];
  if (reply !== 'ended') return reply;
  if (ticket) await context.enqueue(ticketsFrom([ticket]));
  await advance(context, jobId);
  return 'ended';
}
