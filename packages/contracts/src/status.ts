import { z } from 'zod';

export const JobStatus = z
  .enum(['preparing', 'queued', 'running', 'paused', 'canceling', 'canceled', 'succeeded', 'failed'])
  .meta({ id: 'JobStatus' });
export type JobStatus = z.infer<typeof JobStatus>;

export const endedJobStatuses: readonly JobStatus[] = ['canceled', 'succeeded', 'failed'];
export const hasEnded = (status: JobStatus): boolean => endedJobStatuses.includes(status);

export const TaskKind = z.enum(['prepare', 'render', 'assemble']).meta({ id: 'TaskKind' });
export type TaskKind = z.infer<typeof TaskKind>;

export const TaskStatus = z
  .enum(['pending', 'ready', 'running', 'succeeded', 'failed', 'canceled'])
  .meta({ id: 'TaskStatus' });
export type TaskStatus = z.infer<typeof TaskStatus>;

export const AttemptStatus = z
  .enum(['running', 'succeeded', 'failed', 'interrupted', 'lost'])
  .meta({ id: 'AttemptStatus' });
export type AttemptStatus = z.infer<typeof AttemptStatus>;

/** Whose failure it was, and so what it counts against: see `docs/architecture.md`. */
export const FailureClass = z
  .enum(['input', 'engine', 'machine', 'storage', 'stop'])
  .meta({ id: 'FailureClass', description: 'Whose failure it was: it decides what is tried next' });
export type FailureClass = z.infer<typeof FailureClass>;

export const WorkerStatus = z
  .enum(['starting', 'warming', 'idle', 'busy', 'draining', 'offline', 'quarantined'])
  .meta({ id: 'WorkerStatus' });
export type WorkerStatus = z.infer<typeof WorkerStatus>;
