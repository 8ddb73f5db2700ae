import { JobFile, objectKeys } from '@farm/contracts';
import { getJob, listLiveJobs, type RecordsContext } from '@farm/records';
import type { ObjectStorage } from '@farm/storage';
import type { Logger } from 'pino';

/** After an upgrade of a live farm: jobs that were submitted before it are noted in storage, too. */
export async function runOnce(context: {
  records: RecordsContext;
  storage: ObjectStorage;
  log: Logger;
}): Promise<number> {
  const { records, storage, log } = context;
  let count = 0;
  for await (const jobId of listLiveJobs(records)) {
    const key = objectKeys.jobFile(jobId);
    const job = (await storage.head(key)) === undefined ? await getJob(records, jobId) : undefined;
    if (job === undefined) continue;
    const file: JobFile = JobFile.parse({ ...job, schema: 1, createdAt: new Date(job.createdAt).toISOString() });
    await storage.put(key, Buffer.from(JSON.stringify(file)));
    count += 1;
  }
  if (count > 0) log.info({ count }, 'jobs of before the upgrade noted in storage');
  return count;
}
