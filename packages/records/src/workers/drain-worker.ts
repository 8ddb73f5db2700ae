import type { RecordsContext } from '../records-context.js';
import { Script } from '../redis/script.js';

const script = new Script({
  name: 'drainWorker',
  arguments: { workerId: 'text' },
  once: true,
  body: `
-- Keys: worker:<worker>
local key = P .. 'worker:' .. worker_id
if redis.call('EXISTS', key) == 0 then return 0 end
redis.call('HSET', key, 'drain', 1)
return 1
`,
});

/** Asks a worker to finish its piece, return the rest and leave; false when it is unknown. */
export async function drainWorker(context: RecordsContext, workerId: string): Promise<boolean> {
  return (await script.run(context.redis, { workerId })) === 1;
}
