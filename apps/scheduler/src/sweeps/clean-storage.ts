import { JOBS_PREFIX, jobOfKey, objectKeys } from '@farm/contracts';
import { getJob, type RecordsContext, referencedKeys } from '@farm/records';
import type { ObjectStorage } from '@farm/storage';
import type { Logger } from 'pino';

const BATCH = 500;

interface JobObjects {
  jobId: string;
  exists: boolean;
  /** What the record points to; `unknown` when it cannot be read, and then everything is kept. */
  keys: Set<string> | 'unknown';
}

/**
 * Deletes objects that no record points to: pieces whose commit was refused, what a deleted or canceled job left,
 * uploads that were never submitted. Objects younger than `unreferencedMs` may still get their record.
 */
export async function runOnce(context: {
  records: RecordsContext;
  storage: ObjectStorage;
  unreferencedMs: number;
  log: Logger;
}): Promise<number> {
  const { records, storage, unreferencedMs, log } = context;
  const before = Date.now() - unreferencedMs;
  let current: JobObjects | undefined;
  let doomed: string[] = [];
  let count = 0;
  const flush = async () => {
    await storage.delete(doomed);
    count += doomed.length;
    doomed = [];
  };
  // Keys come in order, so the objects of one job follow each other.
  for await (const object of storage.list(JOBS_PREFIX)) {
    const jobId = jobOfKey(object.key);
    if (jobId === undefined || object.modifiedAt.getTime() > before) continue;
    if (current?.jobId !== jobId) current = await objectsOf(records, jobId, log);
    const isLog = current.exists && object.key.startsWith(objectKeys.logPrefix(jobId));
    if (isLog || current.keys === 'unknown' || current.keys.has(object.key)) continue;
    doomed.push(object.key);
    if (doomed.length === BATCH) await flush();
  }
  await flush();
  await storage.sweepUnfinishedUploads({ olderThanMs: Math.max(unreferencedMs, 60_000) });
  if (count > 0) log.info({ count }, 'unreferenced objects deleted');
  return count;
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
