import { z } from 'zod';
import { VramClass } from '../vram-class.js';
import { examplePrompt } from './examples.js';
import { EngineName, JobSpec } from './job-spec.js';
import { Note } from './note.js';

const side = z.int().min(1).max(100_000);

export const PortraitSize = z
  .strictObject({ width: side, height: side })
  .meta({ id: 'PortraitSize', description: 'Pixels as a person sees them', examples: [{ width: 720, height: 400 }] });

/** A submit without its files. */
export const PlanRequest = z
  .strictObject({ spec: JobSpec, portrait: PortraitSize, speechSeconds: z.number().positive().max(1e6) })
  .meta({
    id: 'PlanRequest',
    description: 'A job without its files',
    examples: [
      {
        spec: { prompt: examplePrompt, size: '704*384' },
        portrait: { width: 720, height: 400 },
        speechSeconds: 60,
      },
    ],
  });
export type PlanRequest = z.input<typeof PlanRequest>;

/** What a job would become. */
export const Plan = z
  .object({
    engine: EngineName,
    width: z.int(),
    height: z.int(),
    frameCount: z.int(),
    clipCount: z.int(),
    vramClass: VramClass.describe('The smallest class that holds it; larger ones do too'),
    predictedPeakGB: z.number().nullable().describe('10^9 bytes; null where no GPU is used'),
    workers: z.int().describe('Connected workers of that class that run the engine'),
    warnings: z.array(Note),
  })
  .meta({
    id: 'Plan',
    description: 'What a job would become',
    examples: [
      {
        engine: 'liveavatar',
        width: 704,
        height: 384,
        frameCount: 1500,
        clipCount: 32,
        vramClass: '80g',
        predictedPeakGB: 61.4,
        workers: 2,
        warnings: [],
      },
    ],
  });
export type Plan = z.infer<typeof Plan>;
