import { z } from 'zod';

/** Noun-verb. Every status change adds one, in the same atomic step. */
export const EventType = z.enum([
  'job-preparing',
  'job-queued',
  'job-running',
  'job-canceling',
  'job-canceled',
  'job-succeeded',
  'job-failed',
  'job-retried',
  'job-deleted',
  'task-ready',
  'attempt-started',
  'attempt-progressed',
  'attempt-succeeded',
  'attempt-failed',
  'attempt-interrupted',
  'attempt-lost',
  'piece-committed',
  'worker-registered',
  'worker-drained',
  'worker-offline',
]);
export type EventType = z.infer<typeof EventType>;

export interface FarmEvent {
  /** Redis stream id, the value of Last-Event-ID. */
  id: string;
  type: EventType;
  /** ISO 8601, by the clock of Redis. */
  at: string;
  jobId?: string;
  taskId?: string;
  attemptId?: string;
  workerId?: string;
  /** What changed, in a few words of data; truth is in the record. */
  data: Record<string, string>;
}
