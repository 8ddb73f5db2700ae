import { type EngineName, recordedError, type TaskClass } from '@farm/contracts';
import { ulid } from 'ulid';
import { RecordsLostError } from '../identity/errors.js';
import { decodeJob, type JobRecord } from '../jobs/job-record.js';
import { RECORD_SCHEMA } from '../record-schema.js';
import type { RecordsContext } from '../records-context.js';
import { fieldsOf } from '../redis/read-hash.js';
import { Script } from '../redis/script.js';
import { type AttemptRecord, decodeAttempt } from './attempt-record.js';
import { exclusions } from './exclusions.js';
import { type AttemptOutcome, finishAttempt } from './finish-attempt.js';
import type { PieceRecord } from './piece-record.js';
import { decodeTask, type TaskRecord } from './task-record.js';

export interface Claimant {
  workerId: string;
  /** Classes that the worker can hold, its own first. */
  classes: readonly TaskClass[];
  /** Engine it runs; empty for the CPU slot. */
  engine: EngineName | '';
  warmKey: string;
  leaseMs: number;
}

export interface Claim {
  job: JobRecord;
  task: TaskRecord;
  attempt: AttemptRecord;
  pieces: PieceRecord[];
}

/**
 * `none`: nothing is ready, the ticket ends. `not-for-you`: something is, for another worker or for later. `ended`: a task
 * was claimed, but the reply came so late that its lease has run out since, and the task is no longer this worker's.
 */
export type ClaimOutcome = Claim | 'none' | 'not-for-you' | 'ended';

/** How many of the first ready tasks of a class one claim looks at: p99 below a millisecond over 100,000. */
const WINDOW = 64;

const script = new Script({
  name: 'claimTask',
  arguments: {
    farmId: 'text',
    workerId: 'text',
    attemptId: 'text',
    leaseMs: 'number',
    engine: 'text',
    warmKey: 'text',
  },
  list: { name: 'classes', columns: ['taskClass'] },
  body: `
-- Keys: storage-root, paused-classes, ready:<class> of each, task:<task> and :excluded of the first ones there,
-- running-by-owner, worker:<worker>; where a task excludes this worker also workers and worker:<worker> of the others;
-- of the claimed one also :attempts and :pieces, attempt:<attempt>, job:<job>, leases, worker:<worker>:attempts,
-- jobs:<owner>:<status>, events
if farm_id ~= '' and redis.call('GET', P .. 'storage-root') ~= farm_id then return {'lost'} end
-- What the worker must know comes with the claim: a read after it could fail, and the lease would run out with nobody at work.
local function claimed(task, job)
  return {'claimed', redis.call('HGETALL', P .. 'job:' .. job), redis.call('HGETALL', P .. 'task:' .. task),
    redis.call('HGETALL', P .. 'attempt:' .. attempt_id), redis.call('LRANGE', P .. 'task:' .. task .. ':pieces', 0, -1)}
end
-- The reply to an earlier call may have been lost on a broken connection: a second task under one attempt would have no lease.
local earlier = redis.call('HMGET', P .. 'attempt:' .. attempt_id, 'taskId', 'jobId', 'status')
if earlier[1] then
  if earlier[3] ~= 'running' then return {'ended'} end
  return claimed(earlier[1], earlier[2])
end

local quarantined = engine ~= '' and redis.call('HEXISTS', P .. 'worker:' .. worker_id, 'quarantinedAt') == 1
if quarantined then return {'not-for-you'} end

${exclusions}
local seen = false
local best, best_class, best_rank

local function before(a, b)
  for i = 1, #a do
    if a[i] ~= b[i] then return a[i] < b[i] end
  end
  return false
end

for class_index, row in ipairs(classes) do
  local class = row.task_class
  if redis.call('SISMEMBER', P .. 'paused-classes', class) == 0 then
    local window = redis.call('ZRANGE', P .. 'ready:' .. class, 0, ${WINDOW - 1}, 'WITHSCORES')
    for i = 1, #window, 2 do
      seen = true
      local task, order = window[i], tonumber(window[i + 1])
      local key = P .. 'task:' .. task
      local fields = redis.call('HMGET', key, 'engine', 'notBefore', 'owner', 'warmKey', 'excludes')
      local task_engine, not_before, owner, task_warm_key, excludes = unpack(fields)
      local is_due = task_engine == engine and tonumber(not_before) <= now
      if is_due and not (excludes and is_excluded(key, class)) then
        local share = tonumber(redis.call('HGET', P .. 'running-by-owner', owner) or '0')
        local cold = (task_warm_key == warm_key) and 0 or 1
        -- Priority first, then the owner with the least running, then a warm engine, then due date, then the index.
        local rank = {math.floor(order / 1e13), class_index, share, cold, order, i}
        if not best or before(rank, best_rank) then best, best_class, best_rank = task, class, rank end
      end
    end
  end
end
if not best then return {seen and 'not-for-you' or 'none'} end

local key = P .. 'task:' .. best
local job, kind, owner = unpack(redis.call('HMGET', key, 'jobId', 'kind', 'owner'))
local number = redis.call('HINCRBY', key, 'attemptCount', 1)
redis.call('ZREM', P .. 'ready:' .. best_class, best)
redis.call('HSET', key, 'status', 'running', 'attemptId', attempt_id)
redis.call('RPUSH', key .. ':attempts', attempt_id)
redis.call('HSET', P .. 'attempt:' .. attempt_id, 'schema', ${RECORD_SCHEMA}, 'id', attempt_id, 'number', number,
  'taskId', best, 'jobId', job, 'workerId', worker_id, 'status', 'running', 'startedAt', now)
redis.call('ZADD', P .. 'leases', now + lease_ms, attempt_id)
redis.call('SADD', P .. 'worker:' .. worker_id .. ':attempts', attempt_id)
redis.call('HINCRBY', P .. 'job:' .. job, 'runningAttempts', 1)
redis.call('HINCRBY', P .. 'running-by-owner', owner, 1)
add_event('attempt-started', job, best, attempt_id, worker_id)
if kind == 'render' and redis.call('HGET', P .. 'job:' .. job, 'status') == 'queued' then
  redis.call('HSET', P .. 'job:' .. job, 'startedAt', now)
  move_job(job, 'running')
end
return claimed(best, job)
`,
});

type Reply =
  | [outcome: 'none' | 'not-for-you' | 'ended' | 'lost']
  | [outcome: 'claimed', job: string[], task: string[], attempt: string[], pieces: string[]];

/**
 * Picks the best ready task for this worker and creates the attempt, in one step. When a claim fails after it may have
 * been made, its task is returned, so that no lease runs out with nobody at work.
 *
 * @throws RecordsLostError where Redis no longer knows the farm
 */
export async function claimTask(context: RecordsContext, claimant: Claimant): Promise<ClaimOutcome> {
  const attemptId = ulid().toLowerCase();
  const { classes, ...facts } = claimant;
  const rows = classes.map((taskClass) => ({ taskClass }));
  let reply: Reply;
  try {
    const farmId = context.farmId ?? '';
    reply = (await script.run(context.redis, { farmId, attemptId, ...facts }, rows)) as Reply;
  } catch (error) {
    await returnTask(context, attemptId, { status: 'interrupted', metrics: {} });
    throw error;
  }
  if (reply[0] === 'lost') throw new RecordsLostError(context);
  if (reply[0] !== 'claimed') return reply[0];
  try {
    return decodeClaim(reply);
  } catch (error) {
    // Another worker may be able to read the records; counted, or a record that nobody can read would be claimed for ever.
    const failure = { error: recordedError(error), failureClass: 'machine', metrics: {} } as const;
    await returnTask(context, attemptId, { status: 'failed', ...failure });
    throw error;
  }
}

function decodeClaim([, job, task, attempt, pieces]: Extract<Reply, ['claimed', ...unknown[]]>): Claim {
  return {
    job: decodeJob(fieldsOf(job)),
    task: decodeTask(fieldsOf(task)),
    attempt: decodeAttempt(fieldsOf(attempt)),
    pieces: pieces.map((piece) => JSON.parse(piece) as PieceRecord),
  };
}

/** Without Redis there is nobody to return it to: then the lease runs out. */
async function returnTask(context: RecordsContext, attemptId: string, outcome: AttemptOutcome): Promise<void> {
  await finishAttempt(context, attemptId, outcome).catch(() => {});
}
