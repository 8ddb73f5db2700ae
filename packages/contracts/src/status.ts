import { z } from 'zod';

export const JobStatus = z.enum([
  'preparing',
  'queued',
  'running',
  'paused',
  'canceling',
  'canceled',
  'succeeded',
  'failed',
]);
export type JobStatus = z.infer<typeof JobStatus>;

export const endedJobStatuses: readonly JobStatus[] = ['canceled', 'succeeded', 'failed'];
export const hasEnded = (status: JobStatus): boolean => endedJobStatuses.includes(status);

export const TaskKind = z.enum(['prepare', 'render', 'assemble']);
export type TaskKind = z.infer<typeof TaskKind>;

export const TaskStatus = z.enum(['pending', 'ready', 'running', 'succeeded', 'failed', 'canceled']);
export type TaskStatus = z.infer<typeof TaskStatus>;

export const AttemptStatus = z.enum(['running', 'succeeded', 'failed', 'interrupted', 'lost']);
export type AttemptStatus = z.infer<typeof AttemptStatus>;

export const WorkerStatus = z.enum(['starting', 'warming', 'idle', 'busy', 'draining', 'offline', 'quarantined']);
export type WorkerStatus = z.infer<typeof WorkerStatus>;
