import type { RecordsContext } from '../records-context.js';
import { Script } from '../redis/script.js';

const script = new Script({
  name: 'removeWorker',
  arguments: { workerId: 'text', instance: 'text' },
  once: true,
  body: `
-- Keys: worker:<worker> and :attempts, workers, events
local key = P .. 'worker:' .. worker_id
local row = redis.call('HMGET', key, 'instance', 'quarantinedAt')
-- Another process has this id now.
if instance ~= '' and row[1] ~= instance then return end
if row[2] then
  redis.call('HSET', key, 'status', 'offline', 'instance', '')
else
  redis.call('DEL', key, key .. ':attempts')
  redis.call('ZREM', P .. 'workers', worker_id)
end
add_event('worker-drained', nil, nil, nil, worker_id)
`,
});

/**
 * For a worker that has ended its attempts and leaves on its own. One in quarantine stays known, as offline: a process of
 * the same id starts in quarantine.
 */
export async function removeWorker(context: RecordsContext, workerId: string, instance = ''): Promise<void> {
  await script.run(context.redis, { workerId, instance });
}
