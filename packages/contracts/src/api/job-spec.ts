import { z } from 'zod';
import { Precision } from '../render-settings.js';
import { FRAMES_PER_BLOCK } from '../video.js';
import { examplePrompt } from './examples.js';

/** Text that people read back later: no control characters except line breaks and tabs. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this refuses
const printable = /^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$/;

export const EngineName = z.enum(['draft', 'liveavatar']).meta({ id: 'EngineName' });
export type EngineName = z.infer<typeof EngineName>;

export const Continuity = z.enum(['segmented', 'continuous']).meta({ id: 'Continuity' });
export type Continuity = z.infer<typeof Continuity>;

export const Preset = z.enum(['preview', 'standard', 'long', 'high']).meta({ id: 'Preset' });
export type Preset = z.infer<typeof Preset>;

const FIRST_DUE = Date.UTC(2000, 0, 1);
const DUE_BEFORE = Date.UTC(2100, 0, 1);

export const DueAt = z.iso.datetime({ offset: true }).refine(
  (text) => {
    const time = Date.parse(text);
    return time >= FIRST_DUE && time < DUE_BEFORE;
  },
  { error: 'dueAt must be in the years 2000 to 2099 (UTC).' },
);

/** An area cap in pixels, written as two sides; the video follows the portrait's aspect ratio below that area. */
export const Size = z
  .string()
  .regex(/^\d{2,4}[*x]\d{2,4}$/, 'Write the size as width*height, for example 704*384.')
  .transform((text) => text.replace('x', '*'))
  .refine(
    (text) => {
      const [width = 0, height = 0] = text.split('*').map(Number);
      return width >= 64 && height >= 64 && width * height <= 1920 * 1088;
    },
    { error: 'Each side is at least 64 pixels and the area at most 1920*1088.' },
  );

export const Metadata = z
  .record(z.string().min(1).max(64), z.string().max(512))
  .refine((entries) => Object.keys(entries).length <= 32, { error: 'At most 32 metadata entries.' });

/** What a person asks for. Everything but the prompt has a default; an unknown field is an error. */
export const JobSpec = z
  .strictObject({
    prompt: z
      .string({ error: ({ input }) => (input === undefined ? 'A prompt is required.' : 'A prompt is text.') })
      .trim()
      .min(1, 'Describe the person and the scene in a sentence or two.')
      .max(4000, 'A prompt has at most 4,000 characters.')
      .regex(printable, 'A prompt has no control characters.')
      .describe('The person and the scene, in a sentence or two'),
    size: Size.optional().describe('Area cap, width*height in pixels; the aspect ratio follows the portrait'),
    clips: z.int().min(1).max(100_000).optional().describe('At most this many clips of 1.92 s'),
    truncate: z.boolean().optional().describe('Cut speech that is longer than `clips` instead of refusing it'),
    framesPerClip: z
      .int()
      .min(FRAMES_PER_BLOCK)
      .max(480)
      .optional()
      .describe('Frames per clip; rounded up to a multiple of 12. Default 48'),
    steps: z.int().min(3).max(6).optional().describe('Denoising steps of the liveavatar engine. Default 4'),
    solver: z
      .enum(['euler'])
      .optional()
      .meta({ description: 'Accepted for programs that send it: every render uses Euler steps', deprecated: true }),
    guidanceScale: z.number().min(0).max(20).optional().describe('Only 0: the distilled model uses no guidance'),
    seed: z.int().min(0).max(Number.MAX_SAFE_INTEGER).optional().describe('Same seed, same video. Default: random'),
    engine: EngineName.optional().describe('Which engine renders. Default: what the farm has'),
    precision: Precision.optional().describe('Arithmetic of the liveavatar engine. Default auto'),
    continuity: Continuity.optional().describe(
      'Cut long speech at its silences and render the parts in parallel, or render one unbroken take',
    ),
    segmentClips: z.int().min(1).max(1000).optional().describe('Longest segment, in clips. Default 16'),
    preset: Preset.optional().describe('A named set of defaults'),
    priority: z.int().min(1).max(100).optional().describe('1 is first, 100 is last. Default 50'),
    dueAt: DueAt.optional().describe(
      'When the video is needed, 2000-01-01 to 2099-12-31 (UTC). Orders jobs of the same priority, and never comes before ' +
        'it: earlier goes first, and a job without it counts as due seven days after its submit',
    ),
    metadata: Metadata.optional().describe('Up to 32 of your own strings, returned with the job'),
  })
  .meta({
    id: 'JobSpec',
    description: 'What to render. Everything but the prompt has a default.',
    examples: [{ prompt: examplePrompt, size: '704*384', seed: 7, metadata: { lesson: '12' } }],
  });
export type JobSpec = z.infer<typeof JobSpec>;
