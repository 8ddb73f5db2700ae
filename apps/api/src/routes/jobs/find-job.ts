import { type ApiKeyRecord, getJob, type JobRecord, type RecordsContext } from '@farm/records';
import { seesEveryone } from '../../plugins/authentication.js';
import { JobNotFoundError } from './errors.js';

/** @throws JobNotFoundError, also for a job that belongs to someone else */
export async function findJob(records: RecordsContext, caller: ApiKeyRecord, jobId: string): Promise<JobRecord> {
  const job = await getJob(records, jobId);
  if (job !== undefined && (seesEveryone(caller) || job.owner === caller.owner)) return job;
  throw new JobNotFoundError(jobId);
}
