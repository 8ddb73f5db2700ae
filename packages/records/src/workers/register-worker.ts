import type { EngineName, VramClass } from '@farm/contracts';
import { RecordsLostError } from '../identity/errors.js';
import type { RecordsContext } from '../records-context.js';
import { Script } from '../redis/script.js';
import { LEASE_MS } from '../tasks/renew-leases.js';

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
local row = redis.call('HMGET', key, 'instance', 'seenAt', 'status')
local other, seen_at, status = row[1], row[2], row[3]
if other and other ~= '' and other ~= instance and status ~= 'offline' then
  local held_ms = tonumber(seen_at) + ${LEASE_MS} - now
  if held_ms > 0 then return held_ms end
end
-- A quarantine outlives the process: a restart must not hide a broken machine, which proves itself first.
redis.call('HSET', key, 'id', worker_id, 'status', 'starting', 'startedAt', now, 'seenAt', now, 'instance', instance,
  'drain', 0, 'clockSkewMs', '', 'vramClass', vram_class, 'engine', engine, 'engineVersion', engine_version, 'host', host,
  'gpu', gpu)
redis.call('ZADD', P .. 'workers', now, worker_id)
add_event('worker-registered', nil, nil, nil, worker_id)
return 0
`,
});

/**
 * Writes the worker's record, unless another process of this id was seen within the time of a lease: it may be alive. A
 * process that was silent for longer has lost the id; should it wake up, it learns so from its next heartbeat and leaves.
 *
 * @returns 0, or for how many milliseconds the other process still has the id if nothing is heard of it
 * @throws RecordsLostError where Redis no longer knows the farm
 */
export async function registerWorker(context: RecordsContext, worker: WorkerDescription): Promise<number> {
  const { id: workerId, gpu, instance = '', ...facts } = worker;
  const farmId = context.farmId ?? '';
  const reply = await script.run(context.redis, { farmId, workerId, gpu: gpu ?? '', instance, ...facts });
  if (reply === 'lost') throw new RecordsLostError(context);
  return reply as number;
}
