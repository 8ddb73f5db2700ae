import type { EngineName, VramClass } from '@farm/contracts';
import { decodeWorker } from './decode.js';
import type { WorkerRecord } from './records.js';
import type { RecordsContext } from './records-context.js';
import { KEY_PREFIX } from './redis.js';
import { Script } from './script.js';

export interface WorkerDescription {
  id: string;
  vramClass: VramClass;
  engine: EngineName;
  engineVersion: string;
  host: string;
  gpu: string | null;
}

const registerScript = new Script(`
local worker = ARGV[1]
redis.call('HSET', P .. 'worker:' .. worker, 'id', worker, 'status', 'starting', 'startedAt', now, 'seenAt', now, 'drain', 0, unpack(ARGV, 2))
redis.call('ZADD', P .. 'workers', now, worker)
add_event('worker-registered', nil, nil, nil, worker)
`);

export async function registerWorker(context: RecordsContext, worker: WorkerDescription): Promise<void> {
  const { id, gpu, ...fields } = worker;
  await registerScript.run(context.redis, id, ...Object.entries({ ...fields, gpu: gpu ?? '' }).flat());
}

const engineScript = new Script(`
if redis.call('EXISTS', P .. 'worker:' .. ARGV[1]) == 1 then
  redis.call('HSET', P .. 'worker:' .. ARGV[1], 'engineVersion', ARGV[2])
end
`);

/** Notes the version of an engine that was loaded after its worker had registered. */
export async function setEngineVersion(context: RecordsContext, workerId: string, version: string): Promise<void> {
  await engineScript.run(context.redis, workerId, version);
}

const drainScript = new Script(`
if redis.call('EXISTS', P .. 'worker:' .. ARGV[1]) == 0 then return 0 end
redis.call('HSET', P .. 'worker:' .. ARGV[1], 'drain', 1)
return 1
`);

/** Asks a worker to finish its piece, hand back the rest and leave; false when it is unknown. */
export async function drainWorker(context: RecordsContext, workerId: string): Promise<boolean> {
  return (await drainScript.run(context.redis, workerId)) === 1;
}

const removeScript = new Script(`
redis.call('DEL', P .. 'worker:' .. ARGV[1], P .. 'worker:' .. ARGV[1] .. ':attempts')
redis.call('ZREM', P .. 'workers', ARGV[1])
add_event('worker-drained', nil, nil, nil, ARGV[1])
`);

/** For a worker that has ended its attempts and leaves on its own. */
export async function removeWorker(context: RecordsContext, workerId: string): Promise<void> {
  await removeScript.run(context.redis, workerId);
}

const offlineScript = new Script(`
local silent_ms, forget_ms = tonumber(ARGV[1]), tonumber(ARGV[2])
for _, worker in ipairs(redis.call('ZRANGEBYSCORE', P .. 'workers', '-inf', now - silent_ms)) do
  local key = P .. 'worker:' .. worker
  if tonumber(redis.call('HGET', key, 'seenAt') or '0') < now - forget_ms then
    redis.call('DEL', key, key .. ':attempts')
    redis.call('ZREM', P .. 'workers', worker)
  elseif redis.call('HGET', key, 'status') ~= 'offline' then
    redis.call('HSET', key, 'status', 'offline')
    add_event('worker-offline', nil, nil, nil, worker)
  end
end
`);

/** Marks workers that have been silent as offline, and forgets them after a day. */
export async function markOfflineWorkers(
  context: RecordsContext,
  silentMs = 15_000,
  forgetMs = 86_400_000,
): Promise<void> {
  await offlineScript.run(context.redis, silentMs, forgetMs);
}

export async function listWorkers(
  context: RecordsContext,
): Promise<(WorkerRecord & { attempts: { id: string; taskId: string; jobId: string }[] })[]> {
  const { redis } = context;
  const ids = await redis.zrange(`${KEY_PREFIX}workers`, 0, '-1');
  const workers = await Promise.all(
    ids.sort().map(async (id) => {
      const fields = await redis.hgetall(`${KEY_PREFIX}worker:${id}`);
      if (!fields.id) return undefined;
      const attemptIds = await redis.smembers(`${KEY_PREFIX}worker:${id}:attempts`);
      const attempts = await Promise.all(
        attemptIds.map(async (attemptId) => {
          const [taskId, jobId] = await redis.hmget(`${KEY_PREFIX}attempt:${attemptId}`, 'taskId', 'jobId');
          return { id: attemptId, taskId: taskId ?? '', jobId: jobId ?? '' };
        }),
      );
      return { ...decodeWorker(fields), attempts };
    }),
  );
  return workers.filter((worker) => worker !== undefined);
}
