import { z } from 'zod';
import { Note } from './api/note.js';
import { Owner } from './api/owner.js';
import { ResolvedSpec } from './resolved-spec.js';
import { VramClass } from './vram-class.js';

const StoredInputFacts = z.object({ key: z.string(), sha256: z.string(), bytes: z.int() });

/** Stored beside a job's inputs: what it takes to submit the job again when its record is lost. */
export const JobFile = z.object({
  schema: z.literal(1),
  id: z.string(),
  owner: Owner,
  createdAt: z.iso.datetime(),
  spec: ResolvedSpec,
  vramClass: VramClass,
  portrait: StoredInputFacts,
  speech: StoredInputFacts,
  warnings: z.array(Note),
  idempotency: z.object({ key: z.string(), bodySha256: z.string() }).optional(),
});
export type JobFile = z.infer<typeof JobFile>;

/** Stored when a job ends without a video, so that a rebuild does not render what failed or was canceled. */
export const EndedFile = z.object({
  schema: z.literal(1),
  status: z.enum(['failed', 'canceled']),
  endedAt: z.iso.datetime(),
  error: Note.nullable(),
});
export type EndedFile = z.infer<typeof EndedFile>;
