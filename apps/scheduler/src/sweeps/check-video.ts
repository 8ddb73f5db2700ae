import { createHash } from 'node:crypto';
import { json } from 'node:stream/consumers';
import { Manifest } from '@farm/contracts';
import {
  addWarning,
  type JobRecord,
  markVideoChecked,
  type RecordsContext,
  reopenAssembly,
  type VideoFacts,
} from '@farm/records';
import type { ObjectStorage } from '@farm/storage';
import type { Logger } from 'pino';

export interface VideoCheckContext {
  records: RecordsContext;
  storage: ObjectStorage;
  log: Logger;
}

/**
 * Reads a finished video back and compares its bytes with the record. One that is damaged or gone is assembled again
 * from its pieces; where those are gone too, the job gets a warning.
 *
 * @returns whether it was damaged
 */
export async function checkVideo(context: VideoCheckContext, job: JobRecord): Promise<boolean> {
  const { video } = job;
  if (!video) return false;
  const fault = await confirmedFault(context.storage, video);
  if (fault) await repair(context, { job, video, fault });
  else await markVideoChecked(context.records, job.id, video.key);
  return fault !== undefined;
}

type Fault = 'missing' | 'damaged';

/** What is found twice: bytes may change on their way here. */
async function confirmedFault(storage: ObjectStorage, video: VideoFacts): Promise<Fault | undefined> {
  return (await faultOf(storage, video)) && faultOf(storage, video);
}

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
  { records, log }: VideoCheckContext,
  { job, video, fault }: { job: JobRecord; video: VideoFacts; fault: Fault },
): Promise<void> {
  const outcome = await reopenAssembly(records, job.id, video.key);
  if (outcome === 'reopened') log.error({ jobId: job.id, fault }, 'a finished video is lost; it is assembled again');
  if (outcome !== 'no-pieces') return;
  log.error({ jobId: job.id, fault }, 'a finished video is lost, and its pieces are gone; submit the job again');
  const message = `The stored video is ${fault}, and the pieces to make it again are gone. Submit the job again.`;
  await addWarning(records, job.id, { code: `video-${fault}`, message });
  await markVideoChecked(records, job.id, video.key);
}
