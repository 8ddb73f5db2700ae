import type { EngineName, VramClass } from '@farm/contracts';
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
  name: 'registerWorker',
  arguments: {
    workerId: 'text',
    vramClass: 'text',
    engine: 'text',
    engineVersion: 'text',
    host: 'text',
    gpu: 'text',
  },
  body: `
-- Keys: worker:<worker>, workers (by when they were last seen), events
redis.call('HSET', P .. 'worker:' .. worker_id, 'id', worker_id, 'status', 'starting', 'startedAt', now, 'seenAt', now,
  'drain', 0, 'vramClass', vram_class, 'engine', engine, 'engineVersion', engine_version, 'host', host, 'gpu', gpu)
redis.call('ZADD', P .. 'workers', now, worker_id)
add_event('worker-registered', nil, nil, nil, worker_id)
`,
});

export async function registerWorker(context: RecordsContext, worker: WorkerDescription): Promise<void> {
  const { id: workerId, gpu, ...facts } = worker;
  await script.run(context.redis, { workerId, gpu: gpu ?? '', ...facts });
}
