import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { PieceRequest, RenderCommand, RenderSettings, ResolvedSpec } from '@farm/contracts';
import { makeFifos } from '@farm/media';
import { addWarning, getTask, type PrepareResult, type SegmentPlan } from '@farm/records';
import { allOrStop } from '../all-or-stop.js';
import { download } from '../download.js';
import type { EngineProcess, RenderListener, RenderOutcome } from '../engine/engine-process.js';
import { LostObjectsError, PreparedInputsMissingError } from '../errors.js';
import { Interrupted } from '../interrupted.js';
import type { TaskContext, TaskOutcome } from '../task-context.js';
import { PiecePipeline } from './piece-pipeline.js';

/** Renders what is not yet committed of one segment, piece by piece. */
export async function render(context: TaskContext): Promise<TaskOutcome> {
  const { task, attempt } = context.claim;
  const pieces = piecesLeft(context);
  if (pieces.length === 0) return { result: {}, metrics: {} };
  const command = await renderCommand(context, task.segment!, pieces);
  const engine = await loadedEngine(context);
  const pipeline = new PiecePipeline(context, pieces, engine.engineVersion);
  const rendering = engine.render(command, listenerOf(context, pipeline));
  const endInterrupts = passOnInterrupts(context, engine);
  try {
    const outcome = await untilEither(rendering, pipeline);
    if (outcome.status === 'interrupted') {
      // A drain stops after a whole piece, which may still be on its way.
      if (!context.signal.aborted) await pipeline.settle();
      throw new Interrupted('The engine was interrupted.');
    }
    pipeline.onRenderFinished();
    await pipeline.committed;
    return { result: {}, metrics: metricsOf(outcome, pieces) };
  } catch (error) {
    if (!(error instanceof Interrupted)) context.log.warn({ engineOutput: String(engine.output) }, 'the render failed');
    throw error;
  } finally {
    await pipeline.close(new Interrupted('The render has ended.'));
    await engine.release(attempt.id, rendering);
    endInterrupts();
  }
}

/** Waits for the engine to load, which may take minutes: a worker that must leave meanwhile returns the task immediately. */
async function loadedEngine({ engine, signal, draining }: TaskContext): Promise<EngineProcess> {
  const leaving = AbortSignal.any([signal, draining]);
  const left = new Promise<never>((_, reject) => {
    const leave = () => reject(new Interrupted('The engine had not begun.'));
    if (leaving.aborted) leave();
    else leaving.addEventListener('abort', leave, { once: true });
  });
  return await Promise.race([left, engine.warm()]);
}

function listenerOf({ claim, records, reportFrames, log }: TaskContext, pipeline: PiecePipeline): RenderListener {
  return {
    onProgress: reportFrames,
    onPieceFinished: (piece) => pipeline.onPieceFinished(piece.index, piece),
    onWarning: (warning) =>
      void addWarning(records, claim.job.id, warning).catch((error: unknown) =>
        log.warn({ err: error, code: warning.code }, 'the warning could not be recorded'),
      ),
  };
}

/** A stop abandons the piece under way, a drain finishes it. Returns how to end this. */
function passOnInterrupts({ claim, signal, draining }: TaskContext, engine: EngineProcess): () => void {
  const stop = () => engine.interrupt(claim.attempt.id, 'now');
  const drain = () => engine.interrupt(claim.attempt.id, 'piece-end');
  signal.addEventListener('abort', stop, { once: true });
  draining.addEventListener('abort', drain, { once: true });
  if (draining.aborted) drain();
  return () => {
    signal.removeEventListener('abort', stop);
    draining.removeEventListener('abort', drain);
  };
}

/** The engine's outcome, unless the pipeline of pieces breaks first: then its error counts. */
async function untilEither(rendering: Promise<RenderOutcome>, pipeline: PiecePipeline): Promise<RenderOutcome> {
  return Promise.race([rendering, pipeline.committed.then(() => rendering)]);
}

function piecesLeft({ claim, directory }: TaskContext): PieceRequest[] {
  const { frameCount, framesCommitted } = claim.task;
  const { framesPerClip } = claim.job.spec;
  const pieces: PieceRequest[] = [];
  for (let firstFrame = 0; firstFrame < frameCount; firstFrame += framesPerClip) {
    const index = firstFrame / framesPerClip;
    if (firstFrame < framesCommitted) continue;
    pieces.push({
      index,
      firstFrame,
      frameCount: Math.min(framesPerClip, frameCount - firstFrame),
      fifoPath: join(directory, `frames-${index}`),
    });
  }
  return pieces;
}

async function renderCommand(
  context: TaskContext,
  segment: SegmentPlan,
  pieces: PieceRequest[],
): Promise<RenderCommand> {
  const { claim, directory, signal } = context;
  const prepare = await getTask(context.records, `${claim.job.id}-prepare`);
  const prepared = prepare?.result as PrepareResult | null | undefined;
  if (!prepared) throw new PreparedInputsMissingError(claim.job.id);
  const portraitPath = join(directory, 'portrait.png');
  const speechPath = join(directory, 'speech.wav');
  const portrait = { key: prepared.portraitKey, sha256: prepared.portraitSha256 };
  const speech = { key: segment.speechKey, sha256: segment.speechSha256 };
  await allOrStop(signal, [
    (either) => download({ ...context, signal: either }, portrait, portraitPath),
    (either) => download({ ...context, signal: either }, speech, speechPath),
    (either) =>
      makeFifos(
        pieces.map((piece) => piece.fifoPath),
        { signal: either },
      ),
  ]);
  const { spec } = claim.job;
  const states = spec.engine === 'liveavatar' ? await borderStates(context) : {};
  return {
    type: 'render',
    renderId: claim.attempt.id,
    portraitPath,
    speech: { path: speechPath, marginBefore: segment.marginBefore, sampleCount: segment.sampleCount },
    prompt: spec.prompt,
    width: spec.width,
    height: spec.height,
    segmentFrameCount: segment.frameCount,
    pieces,
    seed: segment.seed,
    settings: settingsOf(spec),
    ...states,
  };
}

/** Where the engine leaves its border states, and the newest one to continue from that an earlier attempt left intact. */
async function borderStates(context: TaskContext): Promise<{ stateDirectory: string; resumeStatePath?: string }> {
  const { claim, directory, log } = context;
  const stateDirectory = join(directory, 'states');
  await mkdir(stateDirectory);
  const resumeStatePath = join(directory, 'resume.safetensors');
  for (const { stateKey: key, stateSha256: sha256 } of claim.pieces.toReversed()) {
    if (key === undefined) continue;
    try {
      await download(context, { key, sha256 }, resumeStatePath);
      return { stateDirectory, resumeStatePath };
    } catch (error) {
      if (!(error instanceof LostObjectsError)) throw error;
      // The engine then starts from an earlier border, or the segment's beginning: slower, and just as correct.
      log.warn({ err: error }, 'a border state is lost; an earlier one is used');
    }
  }
  await rm(resumeStatePath, { force: true });
  return { stateDirectory };
}

function settingsOf(spec: ResolvedSpec): RenderSettings {
  const { steps, precision, framesPerClip } = spec;
  return { steps, precision, framesPerClip };
}

function metricsOf(outcome: Extract<RenderOutcome, { status: 'finished' }>, pieces: PieceRequest[]) {
  const frames = pieces.reduce((sum, piece) => sum + piece.frameCount, 0);
  const { renderSeconds, peakBytes, plan, predictedPeakBytes, predictedFramesPerSecond } = outcome.event;
  return {
    frames,
    renderSeconds,
    framesPerSecond: renderSeconds > 0 ? frames / renderSeconds : 0,
    peakBytes,
    ...(plan !== undefined && { plan }),
    ...(predictedPeakBytes !== undefined && { predictedPeakBytes }),
    ...(predictedFramesPerSecond !== undefined && { predictedFramesPerSecond }),
  };
}
