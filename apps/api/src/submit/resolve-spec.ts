import { randomInt } from 'node:crypto';
import {
  type EngineName,
  FarmError,
  FRAMES_PER_BLOCK,
  FRAMES_PER_SECOND,
  type JobSpec,
  type ResolvedSpec,
  specDefaults,
  type VramClass,
  type Warning,
} from '@farm/contracts';
import { liveAvatarProfile, outputSize, type PixelSize, placeRender } from '@farm/placement';
import { framesOfSpeech } from '../views/progress.js';
import { checkEngineSupport, checkSupport } from './check-support.js';
import { presets } from './presets.js';

/** A worker that could claim now or soon. */
export interface LiveWorker {
  vramClass: VramClass;
  engine: EngineName;
}

export interface InputFacts {
  /** Pixels as a person sees them. */
  portrait: PixelSize;
  speechSeconds: number;
}

export interface ResolvedJob {
  spec: ResolvedSpec;
  vramClass: VramClass;
  /** In 10^9 bytes; null where no GPU takes part. */
  predictedPeakGB: number | null;
  frameCount: number;
  clipCount: number;
  warnings: Warning[];
}

/**
 * Fills in every default, judges the length, and finds the class that holds the render.
 *
 * @throws FarmError `not-supported-yet`, `speech-longer-than-clips`, `too-large-for-every-class`
 */
export function resolveSpec(asked: JobSpec, facts: InputFacts, workers: readonly LiveWorker[]): ResolvedJob {
  checkSupport(asked);
  const spec = { ...(asked.preset && presets[asked.preset]), ...asked };
  const warnings: Warning[] = [];
  const framesPerClip = roundFramesPerClip(spec.framesPerClip ?? specDefaults.framesPerClip, warnings);
  const engine = spec.engine ?? (workers.some((worker) => worker.engine === 'liveavatar') ? 'liveavatar' : 'draft');
  const size = spec.size ?? specDefaults.size;
  const resolved: ResolvedSpec = {
    ...specDefaults,
    prompt: spec.prompt,
    size,
    ...outputSize(facts.portrait, size),
    ...(spec.clips !== undefined && { clips: spec.clips }),
    truncate: spec.truncate ?? specDefaults.truncate,
    framesPerClip,
    steps: spec.steps ?? specDefaults.steps,
    // Short enough for a person to type again.
    seed: spec.seed ?? randomInt(2 ** 32),
    engine,
    precision: spec.precision ?? specDefaults.precision,
    continuity: spec.continuity ?? specDefaults.continuity,
    segmentClips: spec.segmentClips ?? specDefaults.segmentClips,
    ...(spec.preset && { preset: spec.preset }),
    priority: spec.priority ?? specDefaults.priority,
    ...(spec.dueAt && { dueAt: spec.dueAt }),
    metadata: spec.metadata ?? {},
  };
  checkEngineSupport(resolved);
  const frameCount = countFrames(resolved, facts.speechSeconds, warnings);
  const { vramClass, predictedPeakGB } = place(resolved, workers);
  warnings.push(...warningsAbout(asked, resolved, vramClass, workers));
  return {
    spec: resolved,
    vramClass,
    predictedPeakGB,
    frameCount,
    clipCount: Math.ceil(frameCount / framesPerClip),
    warnings,
  };
}

function roundFramesPerClip(asked: number, warnings: Warning[]): number {
  const rounded = Math.ceil(asked / FRAMES_PER_BLOCK) * FRAMES_PER_BLOCK;
  if (rounded !== asked)
    warnings.push({
      code: 'frames-per-clip-rounded',
      message: `framesPerClip ${asked} became ${rounded}: the model denoises ${FRAMES_PER_BLOCK} frames together.`,
    });
  return rounded;
}

function countFrames(spec: ResolvedSpec, speechSeconds: number, warnings: Warning[]): number {
  const frames = framesOfSpeech(speechSeconds);
  const allowed = (spec.clips ?? Number.POSITIVE_INFINITY) * spec.framesPerClip;
  if (frames <= allowed) return frames;
  const needed = Math.ceil(frames / spec.framesPerClip);
  const seconds = (count: number) => (count / FRAMES_PER_SECOND).toFixed(2);
  if (spec.truncate) {
    warnings.push({
      code: 'speech-truncated',
      message: `The speech lasts ${speechSeconds.toFixed(2)} s and is cut after ${seconds(allowed)} s (${spec.clips} clips).`,
    });
    return allowed;
  }
  throw new FarmError(
    'speech-longer-than-clips',
    `The speech lasts ${speechSeconds.toFixed(2)} s, and ${spec.clips} clips of ${spec.framesPerClip} frames hold ` +
      `${seconds(allowed)} s. Ask for ${needed} clips, leave clips out, or set truncate to true.`,
    { status: 422, data: { field: 'clips', clips: spec.clips, neededClips: needed, speechSeconds } },
  );
}

function place(
  spec: ResolvedSpec,
  workers: readonly LiveWorker[],
): { vramClass: VramClass; predictedPeakGB: number | null } {
  const placement = placeRender(liveAvatarProfile, {
    engine: spec.engine,
    video: { width: spec.width, height: spec.height },
    settings: { precision: 'bf16', steps: spec.steps },
    cpuWorkerRunsModel: workers.some((worker) => worker.engine === 'liveavatar' && worker.vramClass === 'cpu'),
  });
  if (placement.fits) return placement;
  const { reason, suggestions } = placement;
  throw new FarmError('too-large-for-every-class', `${reason} Try ${suggestions.join(', or ')}.`, {
    status: 422,
    data: { suggestions },
  });
}

function warningsAbout(
  asked: JobSpec,
  spec: ResolvedSpec,
  vramClass: VramClass,
  workers: readonly LiveWorker[],
): Warning[] {
  const warnings: Warning[] = [];
  const unused = spec.engine === 'draft' ? (['steps', 'solver', 'guidanceScale', 'precision'] as const) : [];
  const set = unused.filter((field) => asked[field] !== undefined);
  if (set.length > 0)
    warnings.push({
      code: 'setting-without-effect',
      message: `${set.join(', ')} concern the liveavatar engine; this job is rendered by the draft engine.`,
    });
  if (!workers.some((worker) => worker.engine === spec.engine))
    warnings.push({
      code: 'no-worker',
      message: `No worker with the ${spec.engine} engine is connected; the job waits for one of class ${vramClass} or larger.`,
    });
  if (spec.prompt.trim().split(/\s+/).length <= 2)
    warnings.push({
      code: 'prompt-short',
      message:
        'The prompt has two words or fewer. Describe the person, the light and the setting in a sentence or two.',
    });
  return warnings;
}
