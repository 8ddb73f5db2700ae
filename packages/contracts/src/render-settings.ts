import { z } from 'zod';

export const Precision = z.enum(['auto', 'bf16', 'fp8', 'int8']);
export type Precision = z.infer<typeof Precision>;

/** How a render is computed, the same from the API to the engine. */
export const RenderSettings = z.strictObject({
  /** Denoising steps for each block. */
  steps: z.int().min(3).max(6),
  precision: Precision,
  /** Frames of one clip, a multiple of a block's 12. */
  framesPerClip: z.int().min(12).multipleOf(12),
});
export type RenderSettings = z.infer<typeof RenderSettings>;
