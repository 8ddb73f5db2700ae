import { createHash } from 'node:crypto';
import { json } from 'node:stream/consumers';
import { Manifest } from '@farm/contracts';
import {
  addWarning,
  dueVideoCheckRound,
  type JobRecord,
  listJobs,
  type RecordsContext,
  reopenAssembly,
  saveVideoCheckRound,
  type VideoFacts,
} from '@farm/records';
import type { ObjectStorage } from '@farm/storage';
import type { Logger } from 'pino';

interface CheckContext {
  records: RecordsContext;
  storage: ObjectStorage;
  /** Every finished video is read once in this time. */
  videoCheckIntervalMs: number;
  log: Logger;
}

const PAGE = 20;
/** Of one pass: what follows waits for the next one. */
const MOST_BYTES = 2 ** 30;

/**
 * Reads finished videos back and compares their bytes with the record. One that is damaged or gone is assembled again
 * from its pieces; where those are no longer known, the job gets a warning. @returns how many were damaged
 */
export async function runOnce(context: CheckContext): Promise<number> {
  const { records, videoCheckIntervalMs } = context;
  const round = await dueVideoCheckRound(records, videoCheckIntervalMs);
  if (!round) return 0;
  let { cursor } = round;
  let damaged = 0;
  let bytes = 0;
  do {
    const page = await listJobs(records, { status: 'succeeded', limit: PAGE, ...(cursor && { cursor }) });
    for (const job of page.jobs) {
      if (!job.video) continue;
      bytes += job.video.bytes;
      const fault = await faultOf(context.storage, job.video);
      if (!fault) continue;
      damaged += 1;
      await repair(context, { job, video: job.video, fault });
    }
    cursor = page.nextCursor;
    const { startedAt } = round;
    await saveVideoCheckRound(records, { startedAt, isComplete: !cursor, ...(cursor && { cursor }) });
  } while (cursor && bytes < MOST_BYTES);
  return damaged;
}

type Fault = 'missing' | 'damaged';

async function faultOf(storage: ObjectStorage, video: VideoFacts): Promise<Fault | undefined> {
  const sha256 = await sha256Of(storage, video.key);
  if (sha256 === undefined) return 'missing';
  return sha256 === video.sha256 && (await hasManifest(storage, video.manifestKey)) ? undefined : 'damaged';
}

async function sha256Of(storage: ObjectStorage, key: string): Promise<string | undefined> {
  const object = await storage.get(key);
  if (!object) return undefined;
  const hash = createHash('sha256');
  for await (const chunk of object.stream) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** Jobs are served from their manifest one day. */
async function hasManifest(storage: ObjectStorage, key: string): Promise<boolean> {
  const object = await storage.get(key);
  if (!object) return false;
  try {
    return Manifest.safeParse(await json(object.stream)).success;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

async function repair(
  { records, log }: CheckContext,
  { job, video, fault }: { job: JobRecord; video: VideoFacts; fault: Fault },
): Promise<void> {
  const outcome = await reopenAssembly(records, job.id, video.key);
  if (outcome === 'reopened') log.error({ jobId: job.id, fault }, 'a finished video is lost; it is assembled again');
  if (outcome !== 'shrunk') return;
  log.error({ jobId: job.id, fault }, 'a finished video is lost, and its pieces are gone; submit the job again');
  const message = `The stored video is ${fault}, and the pieces to make it again are gone. Submit the job again.`;
  await addWarning(records, job.id, { code: `video-${fault}`, message });
}
