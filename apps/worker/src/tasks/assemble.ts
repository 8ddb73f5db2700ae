import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FRAMES_PER_SECOND, Manifest, objectKeys, type Warning } from '@farm/contracts';
import { assembleVideo, posterFrame } from '@farm/media';
import {
  type AttemptRecord,
  addWarning,
  getAttempts,
  getPieces,
  getTasks,
  type PieceRecord,
  type PrepareResult,
  type TaskRecord,
  type VideoFacts,
} from '@farm/records';
import { download } from '../download.js';
import { LostObjectsError, PiecesLostError } from '../errors.js';
import { sha256OfFile } from '../sha256-of-file.js';
import type { TaskContext, TaskOutcome } from '../task-context.js';
import { mixedVersionsWarning } from './engine-versions.js';

interface RenderedSegment {
  task: TaskRecord;
  pieces: PieceRecord[];
}

/** Joins the committed pieces by stream copy, puts the speech beside them, and writes the manifest. */
export async function assemble(context: TaskContext): Promise<TaskOutcome> {
  const { claim, directory, media, storage, signal } = context;
  const { job } = claim;
  const started = performance.now();
  const tasks = await getTasks(context.records, job.id);
  const segments = await renderedSegments(context, tasks);
  const piecePaths = await downloadPieces(context, segments);
  const speechPath = join(directory, 'speech');
  await download(context, job.speech, speechPath);
  const videoPath = join(directory, 'video.mp4');
  const frameCount = job.frameCount ?? 0;
  const facts = await assembleVideo(media, { piecePaths, speechPath, outputPath: videoPath, frameCount, signal });
  const posterPath = join(directory, 'poster.jpg');
  await posterFrame(media, { videoPath, outputPath: posterPath, signal });

  const key = (name: 'video.mp4' | 'manifest.json' | 'poster.jpg') => objectKeys.output(job.id, claim.attempt.id, name);
  const video: VideoFacts = {
    key: key('video.mp4'),
    sha256: await sha256OfFile(videoPath),
    bytes: (await stat(videoPath)).size,
    frameCount: facts.frameCount,
    seconds: facts.seconds,
    width: facts.width,
    height: facts.height,
    manifestKey: key('manifest.json'),
    posterKey: key('poster.jpg'),
  };
  await storage.put(video.key, { filePath: videoPath }, { contentType: 'video/mp4', signal });
  await storage.put(key('poster.jpg'), { filePath: posterPath }, { contentType: 'image/jpeg', signal });
  const warning = mixedVersionsWarning(segments);
  if (warning) await addWarning(context.records, job.id, warning);
  const warnings = warning ? [...job.warnings, warning] : job.warnings;
  const manifest = await manifestOf(context, { tasks, segments, video, warnings });
  const body = Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`);
  await storage.put(video.manifestKey, body, { contentType: 'application/json', signal });
  return { result: video, metrics: { seconds: (performance.now() - started) / 1000 } };
}

async function renderedSegments(context: TaskContext, tasks: TaskRecord[]): Promise<RenderedSegment[]> {
  const renders = tasks.filter((task) => task.kind === 'render');
  return Promise.all(renders.map(async (task) => ({ task, pieces: await getPieces(context.records, task.id) })));
}

/** Looks at every piece before it gives up, so that all lost ones are rendered again together. */
async function downloadPieces(context: TaskContext, segments: RenderedSegment[]): Promise<string[]> {
  const paths: string[] = [];
  const losses: LostObjectsError[] = [];
  for (const piece of segments.flatMap((segment) => segment.pieces)) {
    const path = join(context.directory, `piece-${String(paths.length).padStart(6, '0')}.mp4`);
    paths.push(path);
    try {
      await download(context, { key: piece.key, sha256: piece.fileSha256 }, path);
    } catch (error) {
      if (!(error instanceof LostObjectsError)) throw error;
      losses.push(error);
    }
  }
  if (losses.length > 0) throw new PiecesLostError(losses);
  return paths;
}

async function manifestOf(
  context: TaskContext,
  given: { tasks: TaskRecord[]; segments: RenderedSegment[]; video: VideoFacts; warnings: Warning[] },
): Promise<Manifest> {
  const { tasks, segments, video, warnings } = given;
  const { job, attempt: own } = context.claim;
  const prepared = tasks.find((task) => task.kind === 'prepare')?.result as PrepareResult;
  const attempts = (await Promise.all(tasks.map((task) => getAttempts(context.records, task.id)))).flat();
  const { key, sha256, bytes, width, height, frameCount, seconds } = video;
  return Manifest.parse({
    schema: 1,
    jobId: job.id,
    owner: job.owner,
    createdAt: new Date(job.createdAt).toISOString(),
    endedAt: new Date().toISOString(),
    spec: job.spec,
    inputs: {
      portrait: { key: job.portrait.key, sha256: job.portrait.sha256 },
      speech: { key: job.speech.key, sha256: job.speech.sha256, seconds: prepared.speech.seconds },
    },
    video: { key, sha256, bytes, width, height, frameCount, framesPerSecond: FRAMES_PER_SECOND, seconds },
    segments: segments.map(manifestSegment),
    // This attempt is still running while it writes.
    attempts: attempts.filter((attempt) => attempt.id !== own.id).map(manifestAttempt),
    engine: engineOf(attempts),
    warnings,
  });
}

function manifestSegment({ task, pieces }: RenderedSegment): Manifest['segments'][number] {
  return {
    firstFrame: task.firstFrame,
    frameCount: task.frameCount,
    seed: task.segment!.seed,
    pieces: pieces.map(({ firstFrame, frameCount, rawSha256, fileSha256, attemptId, engineVersion }) => ({
      firstFrame,
      frameCount,
      rawSha256,
      fileSha256,
      attemptId,
      ...(engineVersion && { engineVersion }),
    })),
  };
}

function manifestAttempt(attempt: AttemptRecord): Manifest['attempts'][number] {
  return {
    ...attempt,
    startedAt: new Date(attempt.startedAt).toISOString(),
    endedAt: attempt.endedAt === null ? null : new Date(attempt.endedAt).toISOString(),
  };
}

/** The engine that the renders name; all of one job run the same one. */
function engineOf(attempts: { metrics: Record<string, unknown> }[]): { name: string; version: string } {
  const metrics = attempts.map((attempt) => attempt.metrics).find((figures) => figures.engine !== undefined);
  return { name: String(metrics?.engine ?? 'unknown'), version: String(metrics?.engineVersion ?? 'unknown') };
}
