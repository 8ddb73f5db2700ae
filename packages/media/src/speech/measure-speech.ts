const FULL_SCALE = 32_768;
/** A recording whose loudest 20 ms stay below this is silent: it is far below the noise of any microphone. */
const SILENCE_RMS = FULL_SCALE * 10 ** (-60 / 20);
/** 20 ms at 16 kHz. */
const WINDOW_SAMPLES = 320;
/** So many of the loudest windows may be clicks and knocks. */
const KNOCKS_SHARE = 0.01;
/** Windows this far below the mean power of the others are pauses. */
const PAUSE_BELOW_MEAN_DB = 10;

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
  for (const sample of samples) {
    const size = Math.abs(sample);
    if (size > peak) peak = size;
    if (size >= FULL_SCALE - 1) clipped += 1;
    sum += sample * sample;
  }
  const count = Math.max(samples.length, 1);
  return {
    peak: Math.min(peak / FULL_SCALE, 1),
    rms: Math.sqrt(sum / count) / FULL_SCALE,
    clippedShare: clipped / count,
    silent: windowPowers(samples).every((power) => power < SILENCE_RMS ** 2),
  };
}

/**
 * Level of the speech in decibels of full scale, without its pauses: the mean power of the 20 ms windows that are less
 * than 10 dB below the mean of all, like the relative gate of EBU R 128. The loudest hundredth does not count, since one
 * click may have more energy than a quiet minute. Not a number for no samples.
 */
export function speechLevel(samples: Int16Array): number {
  const sorted = windowPowers(samples).sort((a, b) => a - b);
  const powers = sorted.slice(0, Math.ceil(sorted.length * (1 - KNOCKS_SHARE)));
  const gate = meanOf(powers) * 10 ** (-PAUSE_BELOW_MEAN_DB / 10);
  return 10 * Math.log10(meanOf(powers.filter((power) => power >= gate)) / FULL_SCALE ** 2);
}

/** Decibels between the loudest and the quietest tenth of the 20 ms windows; infinite for less than 200 ms. */
export function levelSpread(samples: Int16Array): number {
  const whole = samples.subarray(0, samples.length - (samples.length % WINDOW_SAMPLES));
  const powers = windowPowers(whole).sort((a, b) => a - b);
  if (powers.length < 10) return Number.POSITIVE_INFINITY;
  const decibels = (share: number) => 10 * Math.log10(powers[Math.floor(powers.length * share)]! + 1e-3);
  return decibels(0.9) - decibels(0.1);
}

/** Mean power of each 20 ms window; the last one may be shorter. */
function windowPowers(samples: Int16Array): number[] {
  const powers: number[] = [];
  for (let first = 0; first < samples.length; first += WINDOW_SAMPLES) {
    const window = samples.subarray(first, first + WINDOW_SAMPLES);
    powers.push(window.reduce((sum, sample) => sum + sample * sample, 0) / window.length);
  }
  return powers;
}

const meanOf = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
