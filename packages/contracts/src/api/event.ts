import { z } from 'zod';
import { exampleJobId } from './examples.js';

/** Noun-verb. Every status change adds one, in the same atomic step. */
export const EventType = z
  .enum([
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
    'object-lost',
    'worker-registered',
    'worker-drained',
    'worker-offline',
    'worker-quarantined',
    'worker-released',
  ])
  .meta({ id: 'EventType' });
export type EventType = z.infer<typeof EventType>;

/** What changed, in a few words of data; the truth is in the record. */
export const FarmEvent = z
  .object({
    id: z.string().describe('Redis stream id, the value of Last-Event-ID'),
    type: EventType,
    at: z.iso.datetime().describe('By the clock of Redis'),
    jobId: z.string().optional(),
    taskId: z.string().optional(),
    attemptId: z.string().optional(),
    workerId: z.string().optional(),
    data: z.record(z.string(), z.string()),
  })
  .meta({
    id: 'FarmEvent',
    description: 'The data of a server-sent event: what changed. Read the job or the worker for its state.',
    examples: [
      { id: '1772443301000-0', type: 'job-running', at: '2026-03-02T09:21:41.000Z', jobId: exampleJobId, data: {} },
    ],
  });
export type FarmEvent = z.infer<typeof FarmEvent>;
