import type { EngineName, TaskClass } from '@farm/contracts';
import { ulid } from 'ulid';
import { getAttempt, getJob, getPieces, getTask } from './read.js';
import { type AttemptRecord, type JobRecord, type PieceRecord, RECORD_SCHEMA, type TaskRecord } from './records.js';
import type { RecordsContext } from './records-context.js';
import { Script } from './script.js';

export interface Claimant {
  workerId: string;
  /** Classes that the worker can hold, its own first. */
  classes: readonly TaskClass[];
  /** Engine it runs; empty for the CPU slot of a host. */
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

/** `none`: nothing is ready, the ticket ends. `not-for-you`: something is, for another worker or for later. */
export type ClaimOutcome = Claim | 'none' | 'not-for-you';

/** How many of the first ready tasks of a class one claim looks at: p99 below a millisecond over 100,000. */
const WINDOW = 64;

const script = new Script(`
local worker, attempt, lease_ms, engine, warm_key = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5]
-- The reply to an earlier call may have been lost on a broken connection: a second task under one attempt would have no lease.
local before_this = redis.call('HMGET', P .. 'attempt:' .. attempt, 'taskId', 'jobId')
if before_this[1] then return {'claimed', before_this[1], before_this[2]} end

local seen = false
local best, best_class, best_rank

local function before(a, b)
  for i = 1, #a do
    if a[i] ~= b[i] then return a[i] < b[i] end
  end
  return false
end

for class_index = 6, #ARGV do
  local class = ARGV[class_index]
  if redis.call('SISMEMBER', P .. 'paused-classes', class) == 0 then
    local window = redis.call('ZRANGE', P .. 'ready:' .. class, 0, ${WINDOW - 1}, 'WITHSCORES')
    for i = 1, #window, 2 do
      seen = true
      local task, order = window[i], tonumber(window[i + 1])
      local row = redis.call('HMGET', P .. 'task:' .. task, 'engine', 'notBefore', 'owner', 'warmKey', 'failures')
      local excluded = row[5] and row[5] ~= '0' and redis.call('HGET', P .. 'task:' .. task .. ':excluded', worker)
      if row[1] == engine and tonumber(row[2]) <= now and not (excluded and tonumber(excluded) > now) then
        local share = tonumber(redis.call('HGET', P .. 'running-by-owner', row[3]) or '0')
        local cold = (row[4] == warm_key) and 0 or 1
        -- Priority first, then the owner with the least running, then a warm engine, then due date, then the index.
        local rank = {math.floor(order / 1e13), class_index, share, cold, order, i}
        if not best or before(rank, best_rank) then best, best_class, best_rank = task, class, rank end
      end
    end
  end
end
if not best then return {seen and 'not-for-you' or 'none'} end

local key = P .. 'task:' .. best
local row = redis.call('HMGET', key, 'jobId', 'kind', 'owner')
local job, kind, owner = row[1], row[2], row[3]
local number = redis.call('HINCRBY', key, 'attemptCount', 1)
redis.call('ZREM', P .. 'ready:' .. best_class, best)
redis.call('HSET', key, 'status', 'running', 'attemptId', attempt)
redis.call('RPUSH', key .. ':attempts', attempt)
redis.call('HSET', P .. 'attempt:' .. attempt, 'schema', ${RECORD_SCHEMA}, 'id', attempt, 'number', number, 'taskId', best,
  'jobId', job, 'workerId', worker, 'status', 'running', 'startedAt', now)
redis.call('ZADD', P .. 'leases', now + lease_ms, attempt)
redis.call('SADD', P .. 'worker:' .. worker .. ':attempts', attempt)
redis.call('HINCRBY', P .. 'job:' .. job, 'runningAttempts', 1)
redis.call('HINCRBY', P .. 'running-by-owner', owner, 1)
add_event('attempt-started', job, best, attempt, worker)
if kind == 'render' and redis.call('HGET', P .. 'job:' .. job, 'status') == 'queued' then
  redis.call('HSET', P .. 'job:' .. job, 'startedAt', now)
  move_job(job, 'running')
end
return {'claimed', best, job}
`);

/** Picks the best ready task for this worker and creates the attempt, in one step. */
export async function claimTask(context: RecordsContext, claimant: Claimant): Promise<ClaimOutcome> {
  const attemptId = ulid().toLowerCase();
  const [outcome, taskId, jobId] = (await script.run(
    context.redis,
    claimant.workerId,
    attemptId,
    claimant.leaseMs,
    claimant.engine,
    claimant.warmKey,
    ...claimant.classes,
  )) as ['claimed' | 'none' | 'not-for-you', string, string];
  if (outcome !== 'claimed') return outcome;
  const [job, task, attempt, pieces] = await Promise.all([
    getJob(context, jobId),
    getTask(context, taskId),
    getAttempt(context, attemptId),
    getPieces(context, taskId),
  ]);
  return { job: job!, task: task!, attempt: attempt!, pieces };
}
