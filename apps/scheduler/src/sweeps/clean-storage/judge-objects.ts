import { JOBS_PREFIX, jobOfKey } from '@farm/contracts';
import { listDeletedJobs, listSilentSubmits, type RecordsContext, redisNow } from '@farm/records';
import type { ListedObject, ObjectStorage } from '@farm/storage';
import type { Logger } from 'pino';
import { type JobOfObjects, readJobOfObjects } from './job-of-objects.js';

interface JudgeContext {
  records: RecordsContext;
  storage: ObjectStorage;
  unreferencedMs: number;
  log: Logger;
}

export interface LeftOver extends ListedObject {
  /** The job that a submit would have become. */
  submit?: string;
}

export interface JudgedObjects {
  seen: number;
  /** Gone because somebody canceled the job, or because the details of ended jobs are kept for some days only. */
  askedFor: ListedObject[];
  /** Gone by themselves. */
  leftOver: LeftOver[];
  /** No record mentions them. */
  unknown: ListedObject[];
}

/** Compares every object of every job with the records, without deleting anything. */
export async function judgeObjects(context: JudgeContext): Promise<JudgedObjects> {
  const { records, storage, unreferencedMs } = context;
  const before = (await redisNow(records)) - unreferencedMs;
  const silentSubmits = new Set(await listSilentSubmits(records, unreferencedMs));
  const deletedJobs = new Set(await listDeletedJobs(records));
  const judged: JudgedObjects = { seen: 0, askedFor: [], leftOver: [], unknown: [] };
  let current: { jobId: string; job: JobOfObjects } | undefined;
  // Keys come in order, so the objects of one job follow each other.
  for await (const object of storage.list(JOBS_PREFIX)) {
    judged.seen += 1;
    const jobId = jobOfKey(object.key);
    if (jobId === undefined || object.modifiedAt.getTime() > before || deletedJobs.has(jobId)) continue;
    if (current?.jobId !== jobId) current = { jobId, job: await readJobOfObjects(context, jobId) };
    const verdict = current.job.judge(object.key);
    if (verdict === 'asked-for') judged.askedFor.push(object);
    else if (verdict === 'left-over') judged.leftOver.push(object);
    else if (verdict === 'unknown' && silentSubmits.has(jobId)) judged.leftOver.push({ ...object, submit: jobId });
    else if (verdict === 'unknown') judged.unknown.push(object);
  }
  return judged;
}
