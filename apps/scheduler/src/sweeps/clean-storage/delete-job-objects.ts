import { jobPrefix, objectKeys } from '@farm/contracts';
import { forgetDeletedJob, getJob, isRedisUnavailable, listDeletedJobs, type RecordsContext } from '@farm/records';
import type { ObjectStorage } from '@farm/storage';
import type { Logger } from 'pino';
import { deleteObjects } from './delete-objects.js';

interface DeletionContext {
  records: RecordsContext;
  storage: ObjectStorage;
  unreferencedMs: number;
  log: Logger;
}

/** A job's log may still be on its way when the job is deleted. */
const SETTLE_MS = 3_600_000;

/** Deletes every object of the jobs that were deleted. @returns how many */
export async function deleteJobObjects(context: DeletionContext): Promise<number> {
  const { records, storage, log } = context;
  let count = 0;
  for (const jobId of await listDeletedJobs(records)) {
    if (await hasRecord(records, jobId)) {
      log.error({ jobId }, 'a deleted job has a record; its objects are kept');
      continue;
    }
    count += await deleteObjects(storage, keysBelow(storage, jobId));
    await forgetIfEmpty(context, jobId);
  }
  return count;
}

/** A record that cannot be read is one. */
async function hasRecord(records: RecordsContext, jobId: string): Promise<boolean> {
  try {
    return (await getJob(records, jobId)) !== undefined;
  } catch (error) {
    if (isRedisUnavailable(error)) throw error;
    return true;
  }
}

/** Ends the memory of a deleted job whose last object is gone. */
export async function forgetIfEmpty(
  { records, storage, unreferencedMs }: DeletionContext,
  jobId: string,
): Promise<void> {
  for await (const { key } of storage.list(jobPrefix(jobId))) if (key !== objectKeys.deletedFile(jobId)) return;
  await storage.delete([objectKeys.deletedFile(jobId)]);
  await forgetDeletedJob(records, jobId, Math.max(unreferencedMs, SETTLE_MS));
}

/** Without the note that the job was deleted: a rebuild must find it as long as there is anything else. */
async function* keysBelow(storage: ObjectStorage, jobId: string): AsyncGenerator<string> {
  for await (const { key } of storage.list(jobPrefix(jobId))) if (key !== objectKeys.deletedFile(jobId)) yield key;
}
