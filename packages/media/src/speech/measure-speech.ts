const FULL_SCALE = 32_768;
/** A recording whose loudest 20 ms stay below this is silent: it is far below the noise of any microphone. */
const SILENCE_RMS = FULL_SCALE * 10 ** (-60 / 20);
/** 20 ms at 16 kHz. */
const WINDOW_SAMPLES = 320;

export interface SpeechMeasure {
  /** Largest sample, 0 to 1. */
  peak: number;
  /** Root mean square of all samples, 0 to 1. */
  rms: number;
  /** Share of samples at the ends of the scale, 0 to 1: distorted above a thousandth or so. */
  clippedShare: number;
  /** No 20 ms window reaches -60 dB of full scale: there is nothing to say. */
  silent: boolean;
}

/** Measures 16-bit samples, for the warnings shown to a person. */
export function measureSpeech(samples: Int16Array): SpeechMeasure {
  let peak = 0;
  let clipped = 0;
  let sum = 0;
  let loudestWindow = 0;
  for (let first = 0; first < samples.length; first += WINDOW_SAMPLES) {
    const window = samples.subarray(first, first + WINDOW_SAMPLES);
    let windowSum = 0;
    for (const sample of window) {
      const size = Math.abs(sample);
      if (size > peak) peak = size;
      if (size >= FULL_SCALE - 1) clipped += 1;
      windowSum += sample * sample;
    }
    sum += windowSum;
    loudestWindow = Math.max(loudestWindow, windowSum / window.length);
  }
  const count = Math.max(samples.length, 1);
  return {
    peak: Math.min(peak / FULL_SCALE, 1),
    rms: Math.sqrt(sum / count) / FULL_SCALE,
    clippedShare: clipped / count,
    silent: Math.sqrt(loudestWindow) < SILENCE_RMS,
  };
}

/** Level of each whole 20 ms window in decibels of full scale, from quiet to loud. */
function windowLevels(samples: Int16Array): number[] {
  const levels: number[] = [];
  for (let first = 0; first + WINDOW_SAMPLES <= samples.length; first += WINDOW_SAMPLES) {
    let sum = 0;
    for (const sample of samples.subarray(first, first + WINDOW_SAMPLES)) sum += sample * sample;
    levels.push(10 * Math.log10(sum / WINDOW_SAMPLES + 1e-3) - 20 * Math.log10(FULL_SCALE));
  }
  return levels.sort((a, b) => a - b);
}

/** Decibels between the loudest and the quietest tenth of the 20 ms windows; infinite for less than 200 ms. */
export function levelSpread(samples: Int16Array): number {
  const levels = windowLevels(samples);
  if (levels.length < 10) return Number.POSITIVE_INFINITY;
  return levels[Math.floor(levels.length * 0.9)]! - levels[Math.floor(levels.length * 0.1)]!;
}
