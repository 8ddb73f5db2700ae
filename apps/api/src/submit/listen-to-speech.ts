import type { Warning } from '@farm/contracts';
import { excerptSpeech, MediaError, type MediaTools, measureSpeech } from '@farm/media';

/** Advice needs a glimpse; the whole recording is decoded when the job is prepared. */
export const EXCERPT_SECONDS = 120;
const EXCERPT_TIMEOUT_MS = 20_000;
/** 20 ms at 16 kHz. */
const WINDOW_SAMPLES = 320;
/** Speech near a microphone has 30 dB and more between its words and its pauses; steady noise fills the pauses. */
const NOISY_DECIBELS = 12;
const CLIPPED_SHARE = 0.001;

/** Level of each 20 ms in decibels of full scale, from quiet to loud. */
function windowLevels(samples: Int16Array): number[] {
  const levels: number[] = [];
  for (let first = 0; first + WINDOW_SAMPLES <= samples.length; first += WINDOW_SAMPLES) {
    let sum = 0;
    for (const sample of samples.subarray(first, first + WINDOW_SAMPLES)) sum += sample * sample;
    levels.push(10 * Math.log10(sum / WINDOW_SAMPLES + 1e-3) - 20 * Math.log10(32_768));
  }
  return levels.sort((a, b) => a - b);
}

/** Decibels between the loudest and the quietest tenth of the windows. */
export function levelSpread(samples: Int16Array): number {
  const levels = windowLevels(samples);
  if (levels.length < 10) return Number.POSITIVE_INFINITY;
  return levels[Math.floor(levels.length * 0.9)]! - levels[Math.floor(levels.length * 0.1)]!;
}

export function warningsAboutSound(samples: Int16Array): Warning[] {
  const { silent, clippedShare } = measureSpeech(samples);
  if (silent)
    return [{ code: 'speech-silent', message: 'The recording is silent: the person in the video will not speak.' }];
  const warnings: Warning[] = [];
  if (clippedShare > CLIPPED_SHARE)
    warnings.push({
      code: 'speech-clipped',
      message: `${(clippedShare * 100).toFixed(1)} % of the sound is clipped; record at a lower level for better lips.`,
    });
  const spread = levelSpread(samples);
  if (spread < NOISY_DECIBELS)
    warnings.push({
      code: 'speech-noisy',
      message:
        `There are only ${spread.toFixed(0)} dB between the loud and the quiet parts: noise or music fills the pauses. ` +
        'Lips follow clean speech better.',
    });
  return warnings;
}

/**
 * The samples of a recording's first two minutes; `undefined` when the decoder took too long: then advice is missing,
 * which is no reason to refuse a job.
 *
 * @throws MediaError `speech-unreadable` where the recording does not decode
 */
export async function listenToSpeech(
  tools: MediaTools,
  path: string,
  signal: AbortSignal,
): Promise<Int16Array | undefined> {
  const options = { inputPath: path, seconds: EXCERPT_SECONDS, timeoutMs: EXCERPT_TIMEOUT_MS, signal };
  return await excerptSpeech(tools, options).catch((error: unknown) => {
    if (error instanceof MediaError && error.status >= 500) return undefined;
    throw error;
  });
}
