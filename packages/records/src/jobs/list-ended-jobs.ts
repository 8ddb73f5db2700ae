import type { RecordsContext } from '../records-context.js';
import { KEY_PREFIX } from '../redis/key-prefix.js';
import { Script } from '../redis/script.js';

/** No other job can end in a millisecond that is this long ago. */
const SETTLE_MS = 1000;

const script = new Script({
  name: 'listEndedJobs',
  arguments: {},
  body: `
-- Keys: ended-jobs, ended-jobs-noted
local from = redis.call('GET', P .. 'ended-jobs-noted') or '-1'
local to = now - ${SETTLE_MS}
return {redis.call('ZRANGEBYSCORE', P .. 'ended-jobs', '(' .. from, to), to}
`,
});

/** Jobs that have ended since `markEndedJobs` was last called with `until`. */
export async function listEndedJobs(context: RecordsContext): Promise<{ jobIds: string[]; until: number }> {
  const [jobIds, until] = (await script.run(context.redis, {})) as [string[], number];
  return { jobIds, until };
}

export async function markEndedJobs(context: RecordsContext, until: number): Promise<void> {
  await context.redis.set(`${KEY_PREFIX}ended-jobs-noted`, until);
}
