import type { RecordsContext } from '../records-context.js';
import { Script } from '../redis/script.js';

const BATCH = 100;

const script = new Script({
  name: 'shrinkEndedJobs',
  arguments: { olderThanMs: 'number' },
  once: true,
  body: `
-- Keys: ended-jobs, job:<job> and everything below it of each old one
local shrunk = 0
for _, job in ipairs(redis.call('ZRANGEBYSCORE', P .. 'ended-jobs', '-inf', now - older_than_ms, 'LIMIT', 0, ${BATCH})) do
  drop_details(job)
  redis.call('HSET', P .. 'job:' .. job, 'shrunk', 1)
  shrunk = shrunk + 1
end
return shrunk
`,
});

/** Drops the tasks, attempts, pieces and events of jobs that ended `olderThanMs` ago; their manifest has the facts. */
export async function shrinkEndedJobs(context: RecordsContext, olderThanMs: number): Promise<number> {
  let total = 0;
  let shrunk: number;
  do {
    shrunk = (await script.run(context.redis, { olderThanMs })) as number;
    total += shrunk;
  } while (shrunk > 0);
  return total;
}
