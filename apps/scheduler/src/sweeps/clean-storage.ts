import { JOBS_PREFIX, jobOfKey, objectKeys } from '@farm/contracts';
import { getJob, type RecordsContext, referencedKeys } from '@farm/records';
import type { ObjectStorage } from '@farm/storage';
import type { Logger } from 'pino';
import { deleteObjects } from './delete-objects.js';

interface SweepContext {
  records: RecordsContext;
  storage: ObjectStorage;
  unreferencedMs: number;
  log: Logger;
}

interface JobObjects {
  jobId: string;
  exists: boolean;
  /** What the record points to; `unknown` when it cannot be read: then everything is kept. */
  keys: Set<string> | 'unknown';
}

/**
 * Deletes objects that no record points to: pieces whose commit was refused, what a deleted or canceled job left,
 * uploads that were never submitted. Objects younger than `unreferencedMs` may still get their record.
 */
export async function runOnce(context: SweepContext): Promise<number> {
  const { storage, unreferencedMs, log } = context;
  const count = await deleteObjects(storage, unreferencedObjects(context));
  await storage.sweepUnfinishedUploads({ olderThanMs: Math.max(unreferencedMs, 60_000) });
  if (count > 0) log.info({ count }, 'unreferenced objects deleted');
  return count;
}

async function* unreferencedObjects(context: SweepContext): AsyncGenerator<string> {
  const { records, storage, unreferencedMs, log } = context;
  const before = Date.now() - unreferencedMs;
  let current: JobObjects | undefined;
  // Keys come in order, so the objects of one job follow each other.
  for await (const object of storage.list(JOBS_PREFIX)) {
    const jobId = jobOfKey(object.key);
    if (jobId === undefined || object.modifiedAt.getTime() > before) continue;
    if (current?.jobId !== jobId) current = await objectsOf(records, jobId, log);
    const isLog = current.exists && object.key.startsWith(objectKeys.logPrefix(jobId));
    if (isLog || current.keys === 'unknown' || current.keys.has(object.key)) continue;
    yield object.key;
  }
}

async function objectsOf(records: RecordsContext, jobId: string, log: Logger): Promise<JobObjects> {
  try {
    const exists = (await getJob(records, jobId)) !== undefined;
    return { jobId, exists, keys: await referencedKeys(records, jobId) };
  } catch (error) {
    log.error({ jobId, err: error }, 'the record of this job cannot be read; its objects are kept');
    return { jobId, exists: true, keys: 'unknown' };
  }
}
