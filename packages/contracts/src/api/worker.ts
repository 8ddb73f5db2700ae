import { z } from 'zod';
import { WorkerStatus } from '../status.js';
import { VramClass } from '../vram-class.js';
import { exampleAttemptId, exampleCreatedAt, exampleEndedAt, exampleJobId, exampleWorkerId } from './examples.js';
import { EngineName } from './job-spec.js';
import { Note } from './note.js';

/** A clock that is further off than this is warned of: logs and signed URLs of that machine mislead. */
export const CLOCK_SKEW_WARNING_MS = 5000;

const Timestamp = z.iso.datetime();
const exampleWorkerAttempt = {
  id: exampleAttemptId,
  taskId: `${exampleJobId}-render-00000`,
  jobId: exampleJobId,
};
const exampleWorker = {
  id: exampleWorkerId,
  status: 'busy',
  vramClass: '80g',
  engine: 'liveavatar',
  host: 'studio',
  gpu: 'NVIDIA H100 80GB HBM3',
  startedAt: exampleCreatedAt,
  seenAt: exampleEndedAt,
  clockSkewMs: 12,
  quarantine: null,
  attempts: [exampleWorkerAttempt],
} as const;
const exampleQuarantine = {
  since: exampleCreatedAt,
  reason: { code: 'engine-crashed', message: 'The engine ended while it was needed (exit code 1).' },
} as const;

export const WorkerAttempt = z
  .object({ id: z.string(), taskId: z.string(), jobId: z.string() })
  .meta({ id: 'WorkerAttempt', description: 'What a worker is doing now', examples: [exampleWorkerAttempt] });

export const WorkerQuarantine = z.object({ since: Timestamp, reason: Note.describe('Its last failure') }).meta({
  id: 'WorkerQuarantine',
  description:
    'Why a worker claims no renders: it failed several times in a row, until it has rendered a test of its own',
  examples: [exampleQuarantine],
});

export const WorkerView = z
  .object({
    id: z.string(),
    status: WorkerStatus,
    vramClass: VramClass,
    engine: EngineName,
    host: z.string(),
    gpu: z.string().nullable(),
    startedAt: Timestamp,
    seenAt: Timestamp.describe('Its last heartbeat'),
    clockSkewMs: z
      .int()
      .nullable()
      .describe('By how much its clock is ahead of the farm’s, which alone counts; null until it has been measured'),
    quarantine: WorkerQuarantine.nullable(),
    attempts: z.array(WorkerAttempt),
  })
  .meta({ id: 'Worker', examples: [exampleWorker] });
export type WorkerView = z.infer<typeof WorkerView>;

export const WorkerList = z
  .object({ workers: z.array(WorkerView) })
  .meta({ id: 'WorkerList', examples: [{ workers: [exampleWorker] }] });
export type WorkerList = z.infer<typeof WorkerList>;

export const WorkerParams = z.object({ id: z.string().min(1).max(200).describe('The worker’s id') });

/** The response to a drain: the worker that was asked. */
export const DrainedWorker = z.object({ id: z.string() }).meta({
  id: 'DrainedWorker',
  description: 'The worker that was asked to drain',
  examples: [{ id: exampleWorkerId }],
});
