import { SAMPLES_PER_FRAME } from '@farm/contracts';

const WINDOW_SAMPLES = 320;
const WINDOWS_PER_FRAME = SAMPLES_PER_FRAME / WINDOW_SAMPLES;
/** Shorter gaps are part of speaking: the closure of a `t` takes up to about 100 ms. */
const SHORTEST_PAUSE_WINDOWS = 8;
/** Where loud and quiet are closer together than this, no pause can be recognised. */
const LEAST_CONTRAST_DB = 12;
/** Digital silence counts as a quiet room, or a few zeros would make the room's noise look like speech. */
const QUIETEST_DB = -70;
/** A pause this long is as good as any longer one. */
const LONG_PAUSE_WINDOWS = 40;

export interface FindCutsOptions {
  /** Frames per segment. The last one is shorter than the minimum only where the whole speech is. */
  minimumFrames: number;
  targetFrames: number;
  maximumFrames: number;
}

export interface SegmentRange {
  firstFrame: number;
  frameCount: number;
}

interface Pause {
  /** The first window, and the one after the last. */
  first: number;
  end: number;
}

/** Frames needed for `sampleCount` samples: the last one is padded with silence. */
export const frameCountOf = (sampleCount: number): number => Math.ceil(sampleCount / SAMPLES_PER_FRAME);

function windowLevelsDb(samples: Int16Array): Float64Array {
  const levels = new Float64Array(Math.ceil(samples.length / WINDOW_SAMPLES));
  for (let window = 0; window < levels.length; window += 1) {
    let sum = 0;
    const end = Math.min((window + 1) * WINDOW_SAMPLES, samples.length);
    for (let index = window * WINDOW_SAMPLES; index < end; index += 1) sum += samples[index]! ** 2;
    const rms = Math.sqrt(sum / WINDOW_SAMPLES) / 32_768;
    levels[window] = Math.max(20 * Math.log10(rms), QUIETEST_DB);
  }
  return levels;
}

/** The level below which a window belongs to a pause, from these windows alone: the rest of the speech does not count. */
function pauseThresholdDb(levels: Float64Array): number | undefined {
  const sorted = levels.slice().sort();
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))]!;
  const [quiet, loud] = [at(0.05), at(0.9)];
  return loud - quiet < LEAST_CONTRAST_DB ? undefined : quiet + 0.35 * (loud - quiet);
}

function pausesBelow(levels: Float64Array, threshold: number): Pause[] {
  const pauses: Pause[] = [];
  let first = -1;
  for (let window = 0; window <= levels.length; window += 1) {
    const quiet = window < levels.length && levels[window]! < threshold;
    if (quiet && first < 0) first = window;
    if (quiet || first < 0) continue;
    if (window - first >= SHORTEST_PAUSE_WINDOWS) pauses.push({ first, end: window });
    first = -1;
  }
  return pauses;
}

/** A long pause near the target is best; 1 means both. */
function scoreOf(pause: Pause, frame: number, options: FindCutsOptions): number {
  const length = Math.min(pause.end - pause.first, LONG_PAUSE_WINDOWS) / LONG_PAUSE_WINDOWS;
  const { minimumFrames, targetFrames, maximumFrames } = options;
  const reach = frame < targetFrames ? targetFrames - minimumFrames : maximumFrames - targetFrames;
  const nearness = 1 - 0.8 * Math.min(Math.abs(frame - targetFrames) / Math.max(reach, 1), 1);
  return length * nearness;
}

/** Of the frames `from` to `to`, the border with the least sound in the 120 ms around it; of equals, the later one. */
function quietestFrame(levels: Float64Array, from: number, to: number): number {
  let best = to;
  let bestLevel = Number.POSITIVE_INFINITY;
  for (let frame = to; frame >= from; frame -= 1) {
    const middle = frame * WINDOWS_PER_FRAME;
    const around = levels.subarray(Math.max(middle - 3, 0), middle + 3);
    const level = around.reduce((sum, db) => sum + 10 ** (db / 10), 0) / Math.max(around.length, 1);
    if (level < bestLevel) [best, bestLevel] = [frame, level];
  }
  return best;
}

interface AllowedCuts {
  lowestFrame: number;
  highestFrame: number;
}

/** Frames of the segment that begins with these levels; the cut is allowed from the lowest to the highest frame. */
function segmentLength(levels: Float64Array, allowed: AllowedCuts, options: FindCutsOptions): number {
  const { lowestFrame, highestFrame } = allowed;
  const threshold = pauseThresholdDb(levels);
  let best: { frame: number; score: number } | undefined;
  for (const pause of threshold === undefined ? [] : pausesBelow(levels, threshold)) {
    const frame = Math.round((pause.first + pause.end) / 2 / WINDOWS_PER_FRAME);
    if (frame < lowestFrame || frame > highestFrame) continue;
    const score = scoreOf(pause, frame, options);
    if (best === undefined || score > best.score) best = { frame, score };
  }
  if (best !== undefined) return best.frame;
  return quietestFrame(levels, Math.max(lowestFrame, Math.min(options.targetFrames, highestFrame)), highestFrame);
}

/**
 * Cuts speech into segments at its pauses: in the middle of the longest pause near the target length, or, where there
 * is none, at the quietest frame between target and maximum length.
 *
 * Each cut depends only on the `maximumFrames` that follow the previous cut, so a change of the recording leaves alone
 * every cut whose segment ends more than that before the change.
 *
 * @param samples mono, 16 kHz, 640 per frame
 * @returns gapless ranges over `frameCountOf(samples.length)` frames, each from minimum to maximum length
 * @throws RangeError unless 1 <= minimum <= target <= maximum and 2 * minimum <= maximum
 */
export function findCuts(samples: Int16Array, options: FindCutsOptions): SegmentRange[] {
  const { minimumFrames, targetFrames, maximumFrames } = options;
  const ordered = 1 <= minimumFrames && minimumFrames <= targetFrames && targetFrames <= maximumFrames;
  if (!ordered || 2 * minimumFrames > maximumFrames) {
    throw new RangeError(
      'needs 1 <= minimumFrames <= targetFrames <= maximumFrames and 2 * minimumFrames <= maximumFrames',
    );
  }
  const total = frameCountOf(samples.length);
  const levels = windowLevelsDb(samples);
  const segments: SegmentRange[] = [];
  let firstFrame = 0;
  while (total - firstFrame > maximumFrames) {
    const seen = levels.subarray(firstFrame * WINDOWS_PER_FRAME, (firstFrame + maximumFrames) * WINDOWS_PER_FRAME);
    // What remains after the cut must be long enough for a segment too.
    const highestFrame = Math.min(maximumFrames, total - firstFrame - minimumFrames);
    const frameCount = segmentLength(seen, { lowestFrame: minimumFrames, highestFrame }, options);
    segments.push({ firstFrame, frameCount });
    firstFrame += frameCount;
  }
  if (total > firstFrame) segments.push({ firstFrame, frameCount: total - firstFrame });
  return segments;
}
