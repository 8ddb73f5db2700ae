import { JOBS_PREFIX, jobOfKey, objectKeys } from '@farm/contracts';
import { getJob, type RecordsContext, referencedKeys } from '@farm/records';
import type { ObjectStorage } from '@farm/storage';
import type { Logger } from 'pino';

const BATCH = 500;

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
  let current: { jobId: string; exists: boolean; keys: Set<string> } | undefined;
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
    if (current?.jobId !== jobId)
      current = {
        jobId,
        exists: (await getJob(records, jobId)) !== undefined,
        keys: await referencedKeys(records, jobId),
      };
    const isLog = current.exists && object.key.startsWith(objectKeys.logPrefix(jobId));
    if (isLog || current.keys.has(object.key)) continue;
    doomed.push(object.key);
    if (doomed.length === BATCH) await flush();
  }
  await flush();
  await storage.sweepUnfinishedUploads({ olderThanMs: Math.max(unreferencedMs, 60_000) });
  if (count > 0) log.info({ count }, 'unreferenced objects deleted');
  return count;
}
