import type { RenderSettings, VramClass } from '@farm/contracts';
import measured from './memory-profile.json' with { type: 'json' };
import type { PixelSize } from './output-size.js';

/** The precisions that were measured; `auto` is resolved before a render is placed. */
export type ProfiledPrecision = Extract<RenderSettings['precision'], 'bf16' | 'fp8'>;

/** An engine's measured memory: the numbers that every placement is computed from. */
export interface MemoryProfile {
  /** What an engine may fill on a card of the class, in 10^9 bytes. */
  usableGB: Record<Exclude<VramClass, 'cpu'>, number>;
  /** Tokens per latent frame; above this the model's condition cache overflows. */
  largestTokens: number;
  /** Measured peaks, at least two per precision, by rising tokens. */
  peaks: Record<ProfiledPrecision, { tokens: number; peakGB: number }[]>;
}

export const liveAvatarProfile: MemoryProfile = measured;

/** Pixels that one token of a latent frame stands for: 8x8 in the VAE, 2x2 in the patch. */
export const PIXELS_PER_TOKEN = 256;

/** Tokens per latent frame. */
export const tokensOf = (video: PixelSize): number => (video.width * video.height) / PIXELS_PER_TOKEN;

/** What decides how much memory a render needs. */
export interface RenderNeed {
  /** Size of the video. */
  video: PixelSize;
  settings: Pick<RenderSettings, 'steps'> & { precision: ProfiledPrecision };
}

/** The measurements had one ring of keys and values for each of four steps: 12 latent frames, bf16, 40 layers. */
const MEASURED_STEPS = 4;
const RING_BYTES_PER_TOKEN = 12 * 819_200;

/** Predicted peak in 10^9 bytes: on the line through the first and last measurement, plus one ring per further step. */
export function predictPeakGB(profile: MemoryProfile, { video, settings }: RenderNeed): number {
  const rows = profile.peaks[settings.precision];
  const [low, high] = [rows[0]!, rows.at(-1)!];
  const slope = (high.peakGB - low.peakGB) / (high.tokens - low.tokens);
  const tokens = tokensOf(video);
  const rings = ((settings.steps - MEASURED_STEPS) * RING_BYTES_PER_TOKEN * tokens) / 1e9;
  return low.peakGB + slope * (tokens - low.tokens) + rings;
}
