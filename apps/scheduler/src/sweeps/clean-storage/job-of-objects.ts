import { json } from 'node:stream/consumers';
import { type AttemptStatus, attemptOfKey, Manifest, objectKeys } from '@farm/contracts';
import { getAttempts, getJob, getTasks, type JobRecord, type RecordsContext, referencedKeys } from '@farm/records';
import type { ObjectStorage } from '@farm/storage';
import type { Logger } from 'pino';
import { VideoUnprovedError } from './errors.js';

/** `kept`: a record refers to it, or may yet; `unknown`: nothing is recorded of who wrote it. */
export type Verdict = 'kept' | 'asked-for' | 'left-over' | 'unknown';

/** What the records say about the objects of one job. */
export interface JobOfObjects {
  judge(key: string): Verdict;
}

interface ReadContext {
  records: RecordsContext;
  storage: ObjectStorage;
  log: Logger;
}

/** A job whose records or manifest cannot be read keeps everything. */
export async function readJobOfObjects(context: ReadContext, jobId: string): Promise<JobOfObjects> {
  try {
    const job = await getJob(context.records, jobId);
    if (job === undefined) return { judge: () => 'unknown' };
    // Attempts are read before what is referred to: one that ends in between has committed what it will.
    const judgeWritten = job.shrunk ? await shrunkJudge(context, job) : await detailedJudge(context, job);
    const kept = await keptKeys(context, job);
    // Were Redis emptied meanwhile, nothing would be referred to.
    if ((await getJob(context.records, jobId)) === undefined) return { judge: () => 'unknown' };
    const isKept = (key: string) => kept.has(key) || key.startsWith(objectKeys.logPrefix(jobId));
    return {
      judge: (key) => (isKept(key) ? 'kept' : (judgeNote(job, key) ?? judgeWritten(key, attemptOfKey(key)))),
    };
  } catch (error) {
    context.log.error({ jobId, err: error }, 'the records of this job cannot be read; its objects are kept');
    return { judge: () => 'kept' };
  }
}

async function keptKeys({ records }: ReadContext, job: JobRecord): Promise<Set<string>> {
  const keys = await referencedKeys(records, job.id);
  // Not only what Redis still says: it may have been emptied since the job was read.
  const { portrait, speech, video } = job;
  for (const key of [portrait.key, speech.key, video?.key, video?.manifestKey, video?.posterKey])
    if (key) keys.add(key);
  return keys.add(objectKeys.jobFile(job.id));
}

/** A delete or a retry that failed half way leaves a note that is wrong, and that a rebuild would believe. */
function judgeNote({ id, status }: JobRecord, key: string): Verdict | undefined {
  if (key === objectKeys.deletedFile(id)) return 'left-over';
  if (key !== objectKeys.endedFile(id)) return undefined;
  return status === 'failed' || status === 'canceled' ? 'kept' : 'left-over';
}

type Judge = (key: string, attemptId: string | undefined) => Verdict;

/** Tasks and pieces are recorded: what an attempt wrote is gone once it has ended and nothing refers to it. */
async function detailedJudge(context: ReadContext, job: JobRecord): Promise<Judge> {
  const statuses = new Map<string, AttemptStatus>();
  for (const task of await getTasks(context.records, job.id))
    for (const attempt of await getAttempts(context.records, task.id)) statuses.set(attempt.id, attempt.status);
  const inVideo = job.video ? piecesIn(await readManifest(context, job)) : new Set<string>();
  return (key, attemptId) => {
    const status = attemptId && statuses.get(attemptId);
    if (!status) return 'unknown';
    if (status === 'running' || inVideo.has(pieceOf(key))) return 'kept';
    return job.status === 'canceled' ? 'asked-for' : 'left-over';
  };
}

/**
 * The details are dropped: a job without a video cannot continue, and one with a video needs only that, as long as both
 * it and its manifest are there.
 */
async function shrunkJudge(context: ReadContext, job: JobRecord): Promise<Judge> {
  if (job.status === 'succeeded') {
    const { video } = await readManifest(context, job);
    const stored = await context.storage.head(job.video!.key);
    if (stored?.size !== video.bytes)
      throw new VideoUnprovedError(job, `the video has not the ${video.bytes} bytes of its manifest`);
  }
  // A rebuild knows that a job failed, and not what of it could still be used.
  const verdict = job.rebuilt ? 'left-over' : 'asked-for';
  return (_key, attemptId) => (attemptId === undefined ? 'unknown' : verdict);
}

/** @throws where there is none, or it is not this job's: then nothing is proved */
async function readManifest({ storage }: ReadContext, job: JobRecord): Promise<Manifest> {
  const object = await storage.get(job.video!.manifestKey);
  if (object === undefined) throw new VideoUnprovedError(job, 'its manifest is missing');
  const manifest = Manifest.parse(await json(object.stream));
  if (manifest.jobId !== job.id || manifest.video.key !== job.video!.key)
    throw new VideoUnprovedError(job, 'its manifest is that of another video');
  return manifest;
}

/** The end of a piece's key, which a manifest knows too. */
const pieceName = (firstFrame: number, attemptId: string) => `${String(firstFrame).padStart(8, '0')}-${attemptId}.mp4`;
const pieceOf = (key: string): string => key.slice(key.lastIndexOf('/') + 1);

const piecesIn = ({ segments }: Manifest): Set<string> =>
  new Set(
    segments.flatMap(({ pieces }) => pieces.map(({ firstFrame, attemptId }) => pieceName(firstFrame, attemptId))),
  );
