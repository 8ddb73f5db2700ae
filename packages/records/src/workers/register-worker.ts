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
  /** Random, one per process: two processes must not share an id. */
  instance?: string;
}

const script = new Script({
  name: 'registerWorker',
  arguments: {
    farmId: 'text',
    workerId: 'text',
    vramClass: 'text',
    engine: 'text',
    engineVersion: 'text',
    host: 'text',
    gpu: 'text',
    instance: 'text',
  },
  once: true,
  body: `
-- Keys: storage-root, worker:<worker>, workers (by when they were last seen), events
if farm_id ~= '' and redis.call('GET', P .. 'storage-root') ~= farm_id then return 'lost' end
local key = P .. 'worker:' .. worker_id
local row = redis.call('HMGET', key, 'instance', 'seenAt')
-- A quarantine outlives the process: a restart must not hide a broken machine, which proves itself first.
redis.call('HSET', key, 'id', worker_id, 'status', 'starting', 'startedAt', now, 'seenAt', now, 'instance', instance,
  'drain', 0, 'clockSkewMs', '', 'vramClass', vram_class, 'engine', engine, 'engineVersion', engine_version, 'host', host,
  'gpu', gpu)
redis.call('ZADD', P .. 'workers', now, worker_id)
add_event('worker-registered', nil, nil, nil, worker_id)
if row[1] and row[1] ~= '' and row[1] ~= instance then return now - tonumber(row[2]) end
return -1
`,
});

/**
 * Writes the worker's record. Of two processes with one id the newer keeps it, since the older may have been killed: the
 * older learns it from its next heartbeat and leaves.
 *
 * @returns how many milliseconds ago another process of this id was seen, if its record is still there
 * @throws RecordsLostError where Redis no longer knows the farm
 */
export async function registerWorker(context: RecordsContext, worker: WorkerDescription): Promise<number | undefined> {
  const { id: workerId, gpu, instance = '', ...facts } = worker;
  const farmId = context.farmId ?? '';
  const reply = await script.run(context.redis, { farmId, workerId, gpu: gpu ?? '', instance, ...facts });
  if (reply === 'lost') throw new RecordsLostError(context);
  const seenAgoMs = reply as number;
  return seenAgoMs < 0 ? undefined : seenAgoMs;
}
