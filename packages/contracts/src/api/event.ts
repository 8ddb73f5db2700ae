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

/** What changed, in a few words of data; the truth is in the record. */
export const FarmEvent = z.object({
  id: z.string().describe('Redis stream id, the value of Last-Event-ID'),
  type: EventType,
  at: z.iso.datetime().describe('By the clock of Redis'),
  jobId: z.string().optional(),
  taskId: z.string().optional(),
  attemptId: z.string().optional(),
  workerId: z.string().optional(),
  data: z.record(z.string(), z.string()),
});
export type FarmEvent = z.infer<typeof FarmEvent>;
