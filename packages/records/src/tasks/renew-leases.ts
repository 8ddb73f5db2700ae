import type { RecordsContext } from '../records-context.js';
import { Script } from '../redis/script.js';

/** Workers renew every second; one that is silent this long has lost its attempts. */
export const LEASE_MS = 10_000;

export interface AttemptProgress {
  attemptId: string;
  framesDone: number;
  framesPerSecond: number;
}

const script = new Script({
  name: 'renewLeases',
  arguments: { workerId: 'text', instance: 'text', status: 'text', clockSkewMs: 'optional number' },
  list: { name: 'attempts', columns: ['attemptId', 'framesDone', 'framesPerSecond'] },
  body: `
-- Keys: worker:<worker>, workers, leases, leases-extended; attempt:<attempt>, task:<task>, job:<job> of each attempt; events
local key = P .. 'worker:' .. worker_id
local worker_row = redis.call('HMGET', key, 'drain', 'instance', 'quarantinedAt')
local draining, known_instance, quarantined_at = unpack(worker_row)
if redis.call('EXISTS', key) == 0 then return {'unknown'} end
if instance ~= '' and known_instance ~= instance then return {'replaced'} end
if quarantined_at and status ~= 'draining' then status = 'quarantined' end
redis.call('HSET', key, 'seenAt', now, 'status', status)
if clock_skew_ms then redis.call('HSET', key, 'clockSkewMs', clock_skew_ms) end
redis.call('ZADD', P .. 'workers', now, worker_id)
local stop = {}
for _, given in ipairs(attempts) do
  local attempt, frames, rate = given.attempt_id, given.frames_done, given.frames_per_second
  local attempt_key = P .. 'attempt:' .. attempt
  local row = redis.call('HMGET', attempt_key, 'taskId', 'framesDone', 'status')
  local task, frames_before, attempt_status = row[1], row[2], row[3]
  local held, job, job_status = holds(task or '', attempt)
  if attempt_status == 'running' then
    redis.call('ZADD', P .. 'leases', now + ${LEASE_MS}, attempt)
    redis.call('SREM', P .. 'leases-extended', attempt)
  end
  if not held or job_status == 'canceling' then
    stop[#stop + 1] = attempt
  elseif frames_before ~= frames then
    redis.call('HSET', attempt_key, 'framesDone', frames, 'framesPerSecond', rate)
    add_passing_event('attempt-progressed', job, task, attempt, worker_id, 'framesDone', frames, 'framesPerSecond', rate)
  end
end
return {'known', stop, draining or '0', quarantined_at and '1' or '0'}
`,
});

export interface HeartbeatAnswer {
  /** Attempts to stop now: fenced, or their job has ended or is being canceled. */
  stop: string[];
  /** Finish the piece under way, return the rest, and leave. */
  drain: boolean;
  /** Render nothing until it has proved itself. */
  quarantined: boolean;
}

/**
 * A worker's heartbeat: renews its leases and writes its progress. `undefined`: the record of this worker is gone,
 * register again. `replaced`: another process has registered under its id, and this one must leave.
 */
export async function renewLeases(
  context: RecordsContext,
  beat: {
    workerId: string;
    instance?: string;
    status: string;
    attempts: AttemptProgress[];
    clockSkewMs?: number | undefined;
  },
): Promise<HeartbeatAnswer | 'replaced' | undefined> {
  const { workerId, instance = '', status, clockSkewMs } = beat;
  const attempts = beat.attempts.map((attempt) => {
    return { ...attempt, framesPerSecond: attempt.framesPerSecond.toFixed(2) };
  });
  const reply = await script.run(context.redis, { workerId, instance, status, clockSkewMs }, attempts);
  const [known, stop, drain, quarantined] = reply as ['known' | 'unknown' | 'replaced', string[]?, string?, string?];
  if (known === 'replaced') return known;
  return known === 'known' ? { stop: stop ?? [], drain: drain === '1', quarantined: quarantined === '1' } : undefined;
}
