import { type EndedFile, objectKeys } from '@farm/contracts';
import { getJob, isRedisUnavailable, listEndedJobs, markEndedJobs, type RecordsContext } from '@farm/records';
import { type ObjectStorage, StorageError } from '@farm/storage';
import type { Logger } from 'pino';

interface NoteContext {
  records: RecordsContext;
  storage: ObjectStorage;
  log: Logger;
}

/**
 * Notes in storage which jobs failed or were canceled: a video says so of the others. A rebuild would otherwise render
 * them again.
 */
export async function runOnce(context: NoteContext): Promise<number> {
  const { jobIds, until } = await listEndedJobs(context.records);
  let count = 0;
  for (const jobId of jobIds) {
    try {
      if (await noteEnding(context, jobId)) count += 1;
    } catch (err) {
      // Every job needs Redis and the storage: the next pass tries again.
      if (err instanceof StorageError || isRedisUnavailable(err)) throw err;
      context.log.error({ jobId, err }, 'the end of this job could not be noted in storage');
    }
  }
  await markEndedJobs(context.records, until);
  return count;
}

async function noteEnding(context: NoteContext, jobId: string): Promise<boolean> {
  const ending = await readEnding(context.records, jobId);
  if (ending === undefined) return false;
  const key = objectKeys.endedFile(jobId);
  await context.storage.put(key, Buffer.from(JSON.stringify(ending)));
  // Somebody may have retried it meanwhile.
  if ((await readEnding(context.records, jobId)) === undefined) await context.storage.delete([key]);
  return true;
}

async function readEnding(records: RecordsContext, jobId: string): Promise<EndedFile | undefined> {
  const job = await getJob(records, jobId);
  if (job === undefined || (job.status !== 'failed' && job.status !== 'canceled')) return undefined;
  const { status, error } = job;
  return { schema: 1, status, endedAt: new Date(job.endedAt ?? job.createdAt).toISOString(), error };
}
