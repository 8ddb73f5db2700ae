import { JobFile, objectKeys } from '@farm/contracts';
import { getJob, listLiveJobs, type RecordsContext } from '@farm/records';
import type { ObjectStorage } from '@farm/storage';
import type { Logger } from 'pino';

interface StoreContext {
  records: RecordsContext;
  storage: ObjectStorage;
  log: Logger;
}

/** After an upgrade of a live farm: jobs that were submitted before it are noted in storage, too. */
export async function runOnce(context: StoreContext): Promise<number> {
  const { records, log } = context;
  let count = 0;
  for await (const jobId of listLiveJobs(records)) {
    try {
      if (await storeJobFile(context, jobId)) count += 1;
    } catch (err) {
      log.error({ jobId, err }, 'this job could not be noted in storage');
    }
  }
  if (count > 0) log.info({ count }, 'jobs of before the upgrade noted in storage');
  return count;
}

async function storeJobFile({ records, storage }: StoreContext, jobId: string): Promise<boolean> {
  const key = objectKeys.jobFile(jobId);
  const job = (await storage.head(key)) === undefined ? await getJob(records, jobId) : undefined;
  if (job === undefined) return false;
  const file: JobFile = JobFile.parse({ ...job, schema: 1, createdAt: new Date(job.createdAt).toISOString() });
  await storage.put(key, Buffer.from(JSON.stringify(file)));
  return true;
}
