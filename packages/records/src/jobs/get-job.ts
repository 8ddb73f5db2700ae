import { type Reader, readHash } from '../redis/read-hash.js';
import { decodeJob, type JobRecord } from './job-record.js';

export async function getJob(context: Reader, jobId: string): Promise<JobRecord | undefined> {
  const fields = await readHash(context, `job:${jobId}`);
  return fields && decodeJob(fields);
}
