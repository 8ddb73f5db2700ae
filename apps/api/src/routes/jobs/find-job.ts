import { FarmError } from '@farm/contracts';
import { type ApiKeyRecord, getJob, type JobRecord, type RecordsContext } from '@farm/records';
import { z } from 'zod';
import { seesEveryone } from '../../plugins/authentication.js';

export const JobParams = z.object({ id: z.string().min(1).max(64).describe('The job’s id') });

/** @throws FarmError `job-not-found`, also for a job that belongs to someone else */
export async function findJob(records: RecordsContext, caller: ApiKeyRecord, jobId: string): Promise<JobRecord> {
  const job = await getJob(records, jobId);
  if (job !== undefined && (seesEveryone(caller) || job.owner === caller.owner)) return job;
  throw new FarmError('job-not-found', `There is no job ${JSON.stringify(jobId)} among yours.`, { status: 404 });
}
