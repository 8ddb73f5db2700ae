import type { RecordsContext } from '../records-context.js';
import { Script } from '../redis/script.js';
import { workerFailures } from './worker-failures.js';

const script = new Script({
  name: 'releaseWorker',
  arguments: { workerId: 'text' },
  body: `
-- Keys: worker:<worker>, events
${workerFailures}
local key = P .. 'worker:' .. worker_id
if redis.call('HEXISTS', key, 'quarantinedAt') == 0 then return end
-- What fails on it from now on as it failed before is not the worker's doing.
redis.call('HSET', key, 'provedAt', now)
redis.call('HDEL', key, 'renderFailures', 'mediaFailures')
release_worker(worker_id)
`,
});

/** Ends a quarantine, after the worker has rendered a test of its own. */
export async function releaseWorker(context: RecordsContext, workerId: string): Promise<void> {
  await script.run(context.redis, { workerId });
}
