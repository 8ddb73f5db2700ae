import type { EngineName, VramClass } from '@farm/contracts';
import { RecordsLostError } from '../identity/errors.js';
import type { RecordsContext } from '../records-context.js';
import { Script } from '../redis/script.js';

export interface WorkerDescription {
  id: string;
  vramClass: VramClass;
  engine: EngineName;
  engineVersion: string;
  host: string;
  gpu: string | null;
}

const script = new Script({
  arguments: {
    farmId: 'text',
    workerId: 'text',
    vramClass: 'text',
    engine: 'text',
    engineVersion: 'text',
    host: 'text',
    gpu: 'text',
  },
  body: `
-- Keys: storage-root, worker:<worker>, workers (by when they were last seen), events
if farm_id ~= '' and redis.call('GET', P .. 'storage-root') ~= farm_id then return 'lost' end
redis.call('HSET', P .. 'worker:' .. worker_id, 'id', worker_id, 'status', 'starting', 'startedAt', now, 'seenAt', now,
  'drain', 0, 'vramClass', vram_class, 'engine', engine, 'engineVersion', engine_version, 'host', host, 'gpu', gpu)
redis.call('ZADD', P .. 'workers', now, worker_id)
add_event('worker-registered', nil, nil, nil, worker_id)
return 'registered'
`,
});

/** @throws RecordsLostError where Redis no longer knows the farm */
export async function registerWorker(context: RecordsContext, worker: WorkerDescription): Promise<void> {
  const { id: workerId, gpu, ...facts } = worker;
  const reply = await script.run(context.redis, { farmId: context.farmId ?? '', workerId, gpu: gpu ?? '', ...facts });
  if (reply === 'lost') throw new RecordsLostError(context);
}
