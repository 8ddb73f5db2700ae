import { finishAttempt } from './finish-attempt.js';
import type { RecordsContext } from './records-context.js';
import { Script } from './script.js';

/** Workers renew every second; one that is silent this long has lost its attempts. */
export const LEASE_MS = 10_000;

export interface AttemptProgress {
  attemptId: string;
  framesDone: number;
  framesPerSecond: number;
}

const renewScript = new Script(`
local worker, status, lease_ms = ARGV[1], ARGV[2], ARGV[3]
local key = P .. 'worker:' .. worker
local draining = redis.call('HGET', key, 'drain')
if redis.call('EXISTS', key) == 0 then return {'unknown'} end
redis.call('HSET', key, 'seenAt', now, 'status', status)
redis.call('ZADD', P .. 'workers', now, worker)
local stop = {}
for i = 4, #ARGV, 3 do
  local attempt, frames, rate = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local row = redis.call('HMGET', P .. 'attempt:' .. attempt, 'taskId', 'framesDone', 'status')
  local held, job, job_status = holds(row[1] or '', attempt)
  if row[3] == 'running' then redis.call('ZADD', P .. 'leases', now + lease_ms, attempt) end
  if not held or job_status == 'canceling' then
    stop[#stop + 1] = attempt
  elseif row[2] ~= frames then
    redis.call('HSET', P .. 'attempt:' .. attempt, 'framesDone', frames, 'framesPerSecond', rate)
    add_passing_event('attempt-progressed', job, row[1], attempt, worker, 'framesDone', frames, 'framesPerSecond', rate)
  end
end
return {'known', stop, draining or '0'}
`);

export interface HeartbeatAnswer {
  /** Attempts to stop now: fenced, or their job has ended or is being canceled. */
  stop: string[];
  /** Finish the piece under way, hand back the rest, and leave. */
  drain: boolean;
}

/**
 * A worker's heartbeat: renews its leases and writes its progress. `undefined`: the record of this worker is gone,
 * register again.
 */
export async function renewLeases(
  context: RecordsContext,
  beat: { workerId: string; status: string; attempts: AttemptProgress[] },
): Promise<HeartbeatAnswer | undefined> {
  const [known, stop, drain] = (await renewScript.run(
    context.redis,
    beat.workerId,
    beat.status,
    LEASE_MS,
    ...beat.attempts.flatMap((a) => [a.attemptId, a.framesDone, a.framesPerSecond.toFixed(2)]),
  )) as ['known' | 'unknown', string[]?, string?];
  return known === 'known' ? { stop: stop ?? [], drain: drain === '1' } : undefined;
}

const expiredScript = new Script(`
local interval, lease_ms = tonumber(ARGV[1]), tonumber(ARGV[2])
local last = tonumber(redis.call('GET', P .. 'leases-swept') or '0')
redis.call('SET', P .. 'leases-swept', now)
-- A sweep that comes late means that Redis or the sweeper stood still, and then workers could not renew either.
if now - last > 3 * interval then
  for _, attempt in ipairs(redis.call('ZRANGEBYSCORE', P .. 'leases', '-inf', now + lease_ms)) do
    redis.call('ZADD', P .. 'leases', now + lease_ms, attempt)
  end
  return {}
end
return redis.call('ZRANGEBYSCORE', P .. 'leases', '-inf', now, 'LIMIT', 0, 100)
`);

/**
 * Finds attempts whose worker went silent, ends them as lost and makes their tasks ready again. Call it every
 * `intervalMs`; when a call comes late, everyone gets a new lease first. Answers the lost attempts.
 */
export async function expireLeases(context: RecordsContext, intervalMs: number): Promise<string[]> {
  const expired = (await expiredScript.run(context.redis, intervalMs, LEASE_MS)) as string[];
  const lost: string[] = [];
  for (const attemptId of expired)
    if ((await finishAttempt(context, attemptId, { status: 'lost' })) === 'ended') lost.push(attemptId);
  return lost;
}
