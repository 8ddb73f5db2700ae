import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { FarmError, type PieceRequest, type RenderCommand, type ResolvedSpec } from '@farm/contracts';
import { makeFifos } from '@farm/media';
import { addWarning, getTask, type PrepareResult, type SegmentPlan } from '@farm/records';
import { download } from '../download.js';
import type { RenderOutcome } from '../engine/engine-process.js';
import { Interrupted, type TaskContext, type TaskOutcome } from '../task-context.js';
import { PieceLine } from './piece-line.js';

/** Renders what is not yet committed of one segment, piece by piece. */
export async function render(context: TaskContext): Promise<TaskOutcome> {
  const { claim, engine, signal, draining } = context;
  const { task } = claim;
  const pieces = piecesLeft(task.frameCount, task.framesCommitted, claim.job.spec.framesPerClip, context.directory);
  if (pieces.length === 0) return { result: {}, metrics: {} };
  const command = await renderCommand(context, task.segment!, pieces);
  await engineReady(context);

  const line = new PieceLine(context, pieces);
  const interruptNow = () => engine.interrupt(command.renderId, 'now');
  const interruptLater = () => engine.interrupt(command.renderId, 'piece-end');
  signal.addEventListener('abort', interruptNow, { once: true });
  draining.addEventListener('abort', interruptLater, { once: true });
  const rendering = engine.render(command, {
    onProgress: (framesDone) => context.reportFrames(framesDone),
    onPieceFinished: (piece) => line.onPieceFinished(piece.index, piece),
    onWarning: (warning) =>
      void addWarning(context.records, claim.job.id, warning).catch((error: unknown) =>
        context.log.warn({ err: error, code: warning.code }, 'the warning could not be recorded'),
      ),
  });
  if (draining.aborted) interruptLater();
  try {
    const outcome = await untilEither(rendering, line);
    if (outcome.status === 'interrupted') {
      // A drain stops behind a whole piece, which may still be on its way.
      if (!signal.aborted) await line.settle();
      throw new Interrupted('The engine was interrupted.');
    }
    line.onRenderFinished();
    await line.committed;
    return { result: {}, metrics: metricsOf(outcome, pieces) };
  } finally {
    await line.close(new Interrupted('The render has ended.'));
    await engine.release(command.renderId, rendering);
    signal.removeEventListener('abort', interruptNow);
    draining.removeEventListener('abort', interruptLater);
  }
}

/** Waits for the engine to load, which may take minutes: who is told to leave meanwhile hands the task back at once. */
async function engineReady({ engine, signal, draining }: TaskContext): Promise<void> {
  const leaving = AbortSignal.any([signal, draining]);
  const left = new Promise<never>((_, reject) => {
    const leave = () => reject(new Interrupted('The engine had not begun.'));
    if (leaving.aborted) leave();
    else leaving.addEventListener('abort', leave, { once: true });
  });
  await Promise.race([left, engine.warm()]);
}

/** The engine's outcome, unless the line of pieces breaks first: then the line's error counts. */
async function untilEither(rendering: Promise<RenderOutcome>, line: PieceLine): Promise<RenderOutcome> {
  return Promise.race([rendering, line.committed.then(() => rendering)]);
}

function piecesLeft(frameCount: number, committed: number, framesPerClip: number, directory: string): PieceRequest[] {
  const pieces: PieceRequest[] = [];
  for (let firstFrame = 0; firstFrame < frameCount; firstFrame += framesPerClip) {
    const index = firstFrame / framesPerClip;
    if (firstFrame < committed) continue;
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
  const prepared = (await getTask(context.records, `${claim.job.id}-prepare`))?.result as
    | PrepareResult
    | null
    | undefined;
  if (!prepared) throw new FarmError('record-missing', `The prepared inputs of job ${claim.job.id} are gone.`);
  const portraitPath = join(directory, 'portrait.png');
  const speechPath = join(directory, 'speech.wav');
  await Promise.all([
    download(context, prepared.portraitKey, portraitPath),
    download(context, segment.speechKey, speechPath),
    makeFifos(
      pieces.map((piece) => piece.fifoPath),
      { signal },
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

/** Where the engine leaves its border states, and the one to go on from if an attempt before this one left any. */
async function borderStates(context: TaskContext): Promise<{ stateDirectory: string; resumeStatePath?: string }> {
  const { claim, directory, storage, signal } = context;
  const stateDirectory = join(directory, 'states');
  await mkdir(stateDirectory);
  const key = claim.pieces.at(-1)?.stateKey;
  const resumeStatePath = join(directory, 'resume.safetensors');
  // Without the state the engine starts from the segment's beginning: slower, and right all the same.
  if (key === undefined || !(await storage.getToFile(key, resumeStatePath, { signal }))) return { stateDirectory };
  return { stateDirectory, resumeStatePath };
}

function settingsOf(spec: ResolvedSpec): RenderCommand['settings'] {
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
