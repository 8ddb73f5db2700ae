import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Manifest, objectKeys } from '@farm/contracts';
import { getAttempts, getJob, getPieces, getTasks, KEY_PREFIX } from '@farm/records';
import type { SoakFarm } from './soak-farm.js';

/** Content of a video: the hash of the raw frames of every piece, in order. */
export const frameHashes = (manifest: Manifest): string[] =>
  manifest.segments.flatMap((segment) => segment.pieces.map((piece) => piece.rawSha256));

/** What is wrong with a job that has succeeded, measured against an undisturbed one; nothing, as it should be. */
export async function checkJob(farm: SoakFarm, jobId: string, expectedHashes: readonly string[]): Promise<string[]> {
  const manifest = await farm.client.getManifest(jobId);
  const problems = [...checkFrames(manifest, expectedHashes)];
  problems.push(...(await checkRecord(farm, jobId, manifest)));
  problems.push(...(await checkEvents(farm, jobId)));
  await downloadVideo(farm, jobId);
  return problems;
}

function* checkFrames(manifest: Manifest, expectedHashes: readonly string[]): Generator<string> {
  const hashes = frameHashes(manifest);
  if (hashes.join() !== expectedHashes.join())
    yield `the frames differ from an undisturbed run: ${hashes.length} pieces instead of ${expectedHashes.length}, or other hashes`;
  let next = 0;
  for (const segment of manifest.segments) {
    for (const piece of segment.pieces) {
      const firstFrame = segment.firstFrame + piece.firstFrame;
      if (firstFrame !== next) yield `the piece at frame ${firstFrame} should begin at ${next}`;
      next = firstFrame + piece.frameCount;
    }
  }
  if (next !== manifest.video.frameCount)
    yield `the pieces have ${next} frames, the video ${manifest.video.frameCount}`;
}

async function checkRecord(farm: SoakFarm, jobId: string, manifest: Manifest): Promise<string[]> {
  const { records, storage } = farm;
  const problems: string[] = [];
  const job = await getJob(records, jobId);
  if (job?.framesCommitted !== manifest.video.frameCount)
    problems.push(`the record counts ${job?.framesCommitted} committed frames of ${manifest.video.frameCount}`);
  const running = await records.redis.hget(`${KEY_PREFIX}job:${jobId}`, 'runningAttempts');
  if (running !== '0') problems.push(`the record counts ${running} running attempts`);
  for (const task of await getTasks(records, jobId)) {
    if (task.status !== 'succeeded') problems.push(`task ${task.id} is ${task.status}`);
    for (const attempt of await getAttempts(records, task.id))
      if (attempt.status === 'running') problems.push(`attempt ${attempt.id} of ${task.id} still runs`);
    for (const piece of await getPieces(records, task.id))
      if (!(await storage.head(piece.key))) problems.push(`the committed piece ${piece.key} is missing from storage`);
  }
  return problems;
}

/** The events of a job are written in the same step as what they tell: none may come twice. */
async function checkEvents({ records }: SoakFarm, jobId: string): Promise<string[]> {
  const counts = new Map<string, number>();
  for (const [, fields] of await records.redis.xrange(`${KEY_PREFIX}job:${jobId}:events`, '-', '+')) {
    const event = Object.fromEntries(fields.flatMap((name, i) => (i % 2 === 0 ? [[name, fields[i + 1]]] : [])));
    const once = { 'piece-committed': `${event.taskId} ${event.firstFrame}`, 'job-succeeded': '', 'job-queued': '' };
    if (!(event.type! in once)) continue;
    const what = `${event.type} ${once[event.type as keyof typeof once]}`.trim();
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  return [...counts].filter(([, count]) => count > 1).map(([what, count]) => `${what} happened ${count} times`);
}

/** Throws unless the video comes whole and as its manifest says: the client checks, and survives a killed API. */
async function downloadVideo({ client, folder }: SoakFarm, jobId: string): Promise<void> {
  const file = join(folder, `${jobId}.mp4`);
  await client.downloadVideo(jobId, file);
  await rm(file);
}

/** Whether an object belongs to its job without being named in a record: a log, or what was submitted. */
export const isKeptWithJob = (jobId: string, key: string): boolean =>
  key.startsWith(objectKeys.logPrefix(jobId)) || key === objectKeys.jobFile(jobId);
