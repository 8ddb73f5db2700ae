import type { RecordsContext } from '../records-context.js';
import { KEY_PREFIX } from '../redis/key-prefix.js';
import { readHash } from '../redis/read-hash.js';
import { decodeWorker, type WorkerRecord } from './worker-record.js';

export type ListedWorker = WorkerRecord & { attempts: { id: string; taskId: string; jobId: string }[] };

/** Every worker that is known, by id, with the attempts it is running. */
export async function listWorkers(context: RecordsContext): Promise<ListedWorker[]> {
  const ids = await context.redis.zrange(`${KEY_PREFIX}workers`, 0, '-1');
  const workers = await Promise.all(ids.sort().map((id) => readWorker(context, id)));
  return workers.filter((worker) => worker !== undefined);
}

async function readWorker(context: RecordsContext, workerId: string): Promise<ListedWorker | undefined> {
  const { redis } = context;
  const fields = await readHash(context, `worker:${workerId}`);
  if (!fields) return undefined;
  const attemptIds = await redis.smembers(`${KEY_PREFIX}worker:${workerId}:attempts`);
  const attempts = await Promise.all(
    attemptIds.map(async (id) => {
      const [taskId, jobId] = await redis.hmget(`${KEY_PREFIX}attempt:${id}`, 'taskId', 'jobId');
      return { id, taskId: taskId ?? '', jobId: jobId ?? '' };
    }),
  );
  return { ...decodeWorker(fields), attempts };
}
