import { z } from 'zod';
import { WorkerStatus } from '../status.js';
import { VramClass } from '../vram-class.js';
import { EngineName } from './job-spec.js';

const Timestamp = z.iso.datetime();

export const WorkerView = z.object({
  id: z.string(),
  status: WorkerStatus,
  vramClass: VramClass,
  engine: EngineName,
  host: z.string(),
  gpu: z.string().nullable(),
  startedAt: Timestamp,
  seenAt: Timestamp,
  attempts: z.array(z.object({ id: z.string(), taskId: z.string(), jobId: z.string() })),
});
export type WorkerView = z.infer<typeof WorkerView>;

export const WorkerList = z.object({ workers: z.array(WorkerView) });
export type WorkerList = z.infer<typeof WorkerList>;

export const WorkerParams = z.object({ id: z.string().min(1).max(200).describe('The worker’s id') });

/** The answer to a drain: the worker that was asked. */
export const DrainedWorker = z.object({ id: z.string() });
