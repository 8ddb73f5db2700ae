import type { VramClass } from '@farm/contracts';
import measured from './memory-profile.json' with { type: 'json' };
import type { PixelSize } from './output-size.js';

export type ProfiledPrecision = 'bf16' | 'fp8';

export interface MemoryProfile {
  /** What an engine may fill on a card of the class, in 10^9 bytes. */
  usableGB: Record<Exclude<VramClass, 'cpu'>, number>;
  /** Tokens a latent frame; above this the model's condition cache overflows. */
  largestTokens: number;
  /** Measured peaks, at least two a precision, by rising tokens. */
  peaks: Record<ProfiledPrecision, { tokens: number; peakGB: number }[]>;
}

export const liveAvatarProfile: MemoryProfile = measured;

/** Pixels behind one token of a latent frame: 8x8 by the VAE, 2x2 by the patch. */
const PIXELS_PER_TOKEN = 256;

export const tokensOf = (size: PixelSize): number => (size.width * size.height) / PIXELS_PER_TOKEN;

/** The measurements had one ring of keys and values for each of four steps: 12 latent frames, bf16, 40 layers. */
const MEASURED_STEPS = 4;
const RING_BYTES_PER_TOKEN = 12 * 819_200;

export interface RenderSettings {
  video: PixelSize;
  precision: ProfiledPrecision;
  steps: number;
}

/** Predicted peak in 10^9 bytes: on the line through the first and the last measurement, a ring more for each further step. */
export function predictPeakGB(profile: MemoryProfile, { video, precision, steps }: RenderSettings): number {
  const rows = profile.peaks[precision];
  const [low, high] = [rows[0]!, rows.at(-1)!];
  const slope = (high.peakGB - low.peakGB) / (high.tokens - low.tokens);
  const tokens = tokensOf(video);
  const rings = ((steps - MEASURED_STEPS) * RING_BYTES_PER_TOKEN * tokens) / 1e9;
  return low.peakGB + slope * (tokens - low.tokens) + rings;
}
