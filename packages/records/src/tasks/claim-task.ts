import type { EngineName, TaskClass } from '@farm/contracts';
import { ulid } from 'ulid';
import { getJob } from '../jobs/get-job.js';
import type { JobRecord } from '../jobs/job-record.js';
import { RECORD_SCHEMA } from '../record-schema.js';
import type { RecordsContext } from '../records-context.js';
import { Script } from '../redis/script.js';
import type { AttemptRecord } from './attempt-record.js';
import { getAttempt } from './get-attempt.js';
import { getPieces } from './get-pieces.js';
import { getTask } from './get-task.js';
import type { PieceRecord } from './piece-record.js';
import type { TaskRecord } from './task-record.js';

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

/** `none`: nothing is ready, the ticket ends. `not-for-you`: something is, for another worker or for later. */
export type ClaimOutcome = Claim | 'none' | 'not-for-you';

/** How many of the first ready tasks of a class one claim looks at: p99 below a millisecond over 100,000. */
const WINDOW = 64;

const script = new Script({
  name: 'claimTask',
  arguments: { workerId: 'text', attemptId: 'text', leaseMs: 'number', engine: 'text', warmKey: 'text' },
  list: { name: 'classes', columns: ['taskClass'] },
  body: `
-- Keys: paused-classes, ready:<class> of each, task:<task> and :excluded of the first ones there, running-by-owner;
-- of the claimed one also :attempts, attempt:<attempt>, job:<job>, leases, worker:<worker>:attempts,
-- jobs:<owner>:<status>, events
-- The reply to an earlier call may have been lost on a broken connection: a second task under one attempt would have no lease.
local before_this = redis.call('HMGET', P .. 'attempt:' .. attempt_id, 'taskId', 'jobId')
if before_this[1] then return {'claimed', before_this[1], before_this[2]} end

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
      local fields = redis.call('HMGET', key, 'engine', 'notBefore', 'owner', 'warmKey', 'failures')
      local task_engine, not_before, owner, task_warm_key, failures = unpack(fields)
      local excluded = failures and failures ~= '0' and redis.call('HGET', key .. ':excluded', worker_id)
      if task_engine == engine and tonumber(not_before) <= now and not (excluded and tonumber(excluded) > now) then
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
return {'claimed', best, job}
`,
});

/** Picks the best ready task for this worker and creates the attempt, in one step. */
export async function claimTask(context: RecordsContext, claimant: Claimant): Promise<ClaimOutcome> {
  const attemptId = ulid().toLowerCase();
  const { classes, ...facts } = claimant;
  const rows = classes.map((taskClass) => ({ taskClass }));
  const reply = await script.run(context.redis, { attemptId, ...facts }, rows);
  const [outcome, taskId, jobId] = reply as ['claimed' | 'none' | 'not-for-you', string, string];
  if (outcome !== 'claimed') return outcome;
  const [job, task, attempt, pieces] = await Promise.all([
    getJob(context, jobId),
    getTask(context, taskId),
    getAttempt(context, attemptId),
    getPieces(context, taskId),
  ]);
  return { job: job!, task: task!, attempt: attempt!, pieces };
}
