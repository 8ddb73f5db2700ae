import type { RecordsContext } from '../records-context.js';
import { KEY_PREFIX } from '../redis/key-prefix.js';
import { redisNow } from '../redis/redis-now.js';
import { Script } from '../redis/script.js';

const BATCH = 100;

const script = new Script({
  name: 'shrinkEndedJobs',
  arguments: { olderThanMs: 'number', skipped: 'number' },
  once: true,
  body: `
-- Keys: ended-jobs, job:<job> and everything below it of each old one. One with an attempt that has not ended yet waits: its
-- lease ends it. So does one whose video has not been read back since it was made: its pieces can still make another.
local shrunk, left = 0, 0
local due = redis.call('ZRANGEBYSCORE', P .. 'ended-jobs', '-inf', now - older_than_ms, 'LIMIT', skipped, ${BATCH})
for _, job in ipairs(due) do
  local row = redis.call('HMGET', P .. 'job:' .. job, 'status', 'runningAttempts', 'videoCheckedAt')
  local is_proved = row[1] ~= 'succeeded' or row[3]
  if is_proved and tonumber(row[2] or '0') <= 0 then
    drop_details(job)
    redis.call('HSET', P .. 'job:' .. job, 'shrunk', 1)
    shrunk = shrunk + 1
  else
    left = left + 1
  end
end
return {shrunk, left}
`,
});

/**
 * Drops the tasks, attempts, pieces and events of jobs that ended `olderThanMs` ago; their manifest has the facts. Those
 * that succeeded wait for `markVideoChecked`.
 */
export async function shrinkEndedJobs(context: RecordsContext, olderThanMs: number): Promise<number> {
  let total = 0;
  let skipped = 0;
  for (;;) {
    const [shrunk, left] = (await script.run(context.redis, { olderThanMs, skipped })) as [number, number];
    total += shrunk;
    skipped += left;
    if (shrunk + left === 0) return total;
  }
}

const markScript = new Script({
  name: 'markVideoChecked',
  arguments: { jobId: 'text', videoKey: 'text' },
  body: `
-- Keys: job:<job>
local row = redis.call('HMGET', P .. 'job:' .. job_id, 'status', 'video')
if row[1] ~= 'succeeded' or cjson.decode(row[2]).key ~= video_key then return end
redis.call('HSET', P .. 'job:' .. job_id, 'videoCheckedAt', now)
`,
});

/** Notes that the job's video was read back, so that what it was made from may go. */
export async function markVideoChecked(context: RecordsContext, jobId: string, videoKey: string): Promise<void> {
  await markScript.run(context.redis, { jobId, videoKey });
}

/** The ids of jobs that ended `olderThanMs` ago with a video that nobody has read back, oldest first. */
export async function* listUncheckedJobs(context: RecordsContext, olderThanMs: number): AsyncGenerator<string> {
  const before = (await redisNow(context)) - olderThanMs;
  const due = await context.redis.zrangebyscore(`${KEY_PREFIX}ended-jobs`, '-inf', before);
  for (const id of due) {
    const [status, checkedAt] = await context.redis.hmget(`${KEY_PREFIX}job:${id}`, 'status', 'videoCheckedAt');
    if (status === 'succeeded' && !checkedAt) yield id;
  }
}
