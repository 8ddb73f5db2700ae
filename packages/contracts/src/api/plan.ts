import { z } from 'zod';
import { VramClass } from '../vram-class.js';
import { EngineName, JobSpec } from './job-spec.js';
import { Note } from './note.js';

const side = z.int().min(1).max(100_000);

/** A submit without its files. */
export const PlanRequest = z.strictObject({
  spec: JobSpec,
  portrait: z.strictObject({ width: side, height: side }).describe('Pixels as a person sees them'),
  speechSeconds: z.number().positive().max(1e6),
});
export type PlanRequest = z.input<typeof PlanRequest>;

/** What a job would become. */
export const Plan = z.object({
  engine: EngineName,
  width: z.int(),
  height: z.int(),
  frameCount: z.int(),
  clipCount: z.int(),
  vramClass: VramClass.describe('The smallest class that holds it; larger ones do too'),
  predictedPeakGB: z.number().nullable().describe('10^9 bytes; null where no GPU takes part'),
  workers: z.int().describe('Connected workers of that class that run the engine'),
  warnings: z.array(Note),
});
export type Plan = z.infer<typeof Plan>;
