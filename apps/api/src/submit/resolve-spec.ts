import { randomInt } from 'node:crypto';
import {
  DEFAULT_FRAMES_PER_CLIP,
  type EngineName,
  FRAMES_PER_BLOCK,
  FRAMES_PER_SECOND,
  framesOfSpeech,
  type JobSpec,
  type Preset,
  type ResolvedSpec,
  specDefaults,
  type VramClass,
  type Warning,
  type WorkerStatus,
} from '@farm/contracts';
import { liveAvatarProfile, outputSize, type PixelSize, placeRender } from '@farm/placement';
import { listWorkers, type RecordsContext } from '@farm/records';
import {
  FramesPerClipNotSupportedError,
  GuidanceNotSupportedError,
  PrecisionNotSupportedError,
  SpeechLongerThanClipsError,
  TooLargeForEveryClassError,
} from './spec-errors.js';
import { warningsAboutSpec } from './spec-warnings.js';

/** A worker that could claim now or soon. */
interface LiveWorker {
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
  /** In 10^9 bytes; null where no GPU is used. */
  predictedPeakGB: number | null;
  frameCount: number;
  clipCount: number;
  /** Live workers of that class that run the engine. */
  workerCount: number;
  warnings: Warning[];
}

/** A preset fills in what the spec leaves open; it never replaces a field that is set. */
const presets: Readonly<Record<Preset, Partial<JobSpec>>> = {
  /** Timing, framing and cuts in seconds, without a GPU. */
  preview: { engine: 'draft', size: '384*256' },
  standard: { size: '384*256', continuity: 'segmented' },
  /** Lectures: short segments, so that many workers share one. */
  long: { size: '384*256', continuity: 'segmented', segmentClips: 8 },
  high: { size: '704*384', continuity: 'segmented' },
};

const liveStatuses: readonly WorkerStatus[] = ['starting', 'warming', 'idle', 'busy'];

/**
 * Fills in every default, judges the length, and finds the class that holds the render.
 *
 * @throws GuidanceNotSupportedError, PrecisionNotSupportedError, FramesPerClipNotSupportedError,
 *   SpeechLongerThanClipsError, TooLargeForEveryClassError
 */
export async function resolveSpec(
  records: RecordsContext,
  requested: JobSpec,
  facts: InputFacts,
): Promise<ResolvedJob> {
  const workers = (await listWorkers(records)).filter(({ status }) => liveStatuses.includes(status));
  checkSupport(requested);
  const spec = withDefaults(requested, facts.portrait, workers);
  checkEngineSupport(spec);
  const frameCount = countFrames(spec, facts.speechSeconds);
  const { vramClass, predictedPeakGB } = place(spec, workers);
  const able = workers.filter(({ engine }) => engine === spec.engine);
  return {
    spec,
    vramClass,
    predictedPeakGB,
    frameCount,
    clipCount: Math.ceil(frameCount / spec.framesPerClip),
    workerCount: able.filter((worker) => worker.vramClass === vramClass).length,
    warnings: warningsAboutSpec({
      requested,
      spec,
      speechSeconds: facts.speechSeconds,
      vramClass,
      hasWorker: able.length > 0,
    }),
  };
}

/** A setting that is silently ignored is worse than none: what the farm cannot honour yet is refused by name. */
function checkSupport({ guidanceScale = 0, precision }: JobSpec): void {
  if (guidanceScale !== 0) throw new GuidanceNotSupportedError();
  if (precision === 'fp8' || precision === 'int8') throw new PrecisionNotSupportedError();
}

function checkEngineSupport({ engine, framesPerClip }: ResolvedSpec): void {
  if (engine === 'liveavatar' && framesPerClip !== DEFAULT_FRAMES_PER_CLIP)
    throw new FramesPerClipNotSupportedError(framesPerClip, DEFAULT_FRAMES_PER_CLIP);
}

function withDefaults(requested: JobSpec, portrait: PixelSize, workers: readonly LiveWorker[]): ResolvedSpec {
  const spec = { ...(requested.preset && presets[requested.preset]), ...requested };
  const size = spec.size ?? specDefaults.size;
  const framesPerClip = spec.framesPerClip ?? specDefaults.framesPerClip;
  return {
    ...specDefaults,
    prompt: spec.prompt,
    size,
    ...outputSize(portrait, size),
    ...(spec.clips !== undefined && { clips: spec.clips }),
    truncate: spec.truncate ?? specDefaults.truncate,
    framesPerClip: Math.ceil(framesPerClip / FRAMES_PER_BLOCK) * FRAMES_PER_BLOCK,
    steps: spec.steps ?? specDefaults.steps,
    // Short enough for a person to type again.
    seed: spec.seed ?? randomInt(2 ** 32),
    engine: spec.engine ?? (workers.some(({ engine }) => engine === 'liveavatar') ? 'liveavatar' : 'draft'),
    precision: spec.precision ?? specDefaults.precision,
    continuity: spec.continuity ?? specDefaults.continuity,
    segmentClips: spec.segmentClips ?? specDefaults.segmentClips,
    ...(spec.preset && { preset: spec.preset }),
    priority: spec.priority ?? specDefaults.priority,
    ...(spec.dueAt && { dueAt: spec.dueAt }),
    metadata: spec.metadata ?? {},
  };
}

function countFrames({ clips, framesPerClip, truncate }: ResolvedSpec, speechSeconds: number): number {
  const frames = framesOfSpeech(speechSeconds);
  if (clips === undefined || frames <= clips * framesPerClip) return frames;
  if (truncate) return clips * framesPerClip;
  throw new SpeechLongerThanClipsError({
    speechSeconds,
    clips,
    framesPerClip,
    clipsSeconds: (clips * framesPerClip) / FRAMES_PER_SECOND,
    neededClips: Math.ceil(frames / framesPerClip),
  });
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
  throw new TooLargeForEveryClassError(placement.reason, placement.suggestions);
}
