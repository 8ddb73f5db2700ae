import type { RecordsContext } from '../records-context.js';
import { Script } from '../redis/script.js';

const script = new Script({
  name: 'removeWorker',
  arguments: { workerId: 'text' },
  body: `
-- Keys: worker:<worker> and :attempts, workers, events
local key = P .. 'worker:' .. worker_id
redis.call('DEL', key, key .. ':attempts')
redis.call('ZREM', P .. 'workers', worker_id)
add_event('worker-drained', nil, nil, nil, worker_id)
`,
});

/** For a worker that has ended its attempts and leaves on its own. */
export async function removeWorker(context: RecordsContext, workerId: string): Promise<void> {
  await script.run(context.redis, { workerId });
}
