import { z } from 'zod';
import { exampleResolvedSpec } from './api/examples.js';
import { Continuity, EngineName, Preset } from './api/job-spec.js';
import { RenderSettings } from './render-settings.js';
import { DEFAULT_FRAMES_PER_CLIP } from './video.js';

/** A spec with every default filled in, as the record keeps it, the API shows it and the manifest repeats it. */
export const ResolvedSpec = z
  .object({
    prompt: z.string(),
    size: z.string().describe('Area cap, width*height in pixels'),
    width: z.int().describe('Of the video, in pixels; a multiple of 64'),
    height: z.int().describe('Of the video, in pixels; a multiple of 64'),
    clips: z.int().optional(),
    truncate: z.boolean(),
    ...RenderSettings.shape,
    guidanceScale: z.literal(0),
    seed: z.int(),
    engine: EngineName,
    continuity: Continuity,
    segmentClips: z.int(),
    preset: Preset.optional(),
    priority: z.int(),
    dueAt: z.string().optional(),
    metadata: z.record(z.string(), z.string()),
  })
  .meta({
    id: 'ResolvedSpec',
    description: 'A spec with every default filled in',
    examples: [exampleResolvedSpec],
  });
export type ResolvedSpec = z.infer<typeof ResolvedSpec>;

export const specDefaults = {
  size: '384*256',
  truncate: false,
  framesPerClip: DEFAULT_FRAMES_PER_CLIP,
  steps: 4,
  guidanceScale: 0,
  precision: 'auto',
  continuity: 'segmented',
  segmentClips: 16,
  priority: 50,
} as const;
