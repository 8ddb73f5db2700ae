import { z } from 'zod';
import { ResolvedSpec } from '../resolved-spec.js';
import { AttemptStatus, FailureClass, JobStatus, TaskKind, TaskStatus } from '../status.js';
import { TaskClass, VramClass } from '../vram-class.js';
import { exampleAttempt, exampleJob, exampleJobId, exampleProgress, exampleTask } from './examples.js';
import { Note } from './note.js';
import { Owner } from './owner.js';

const Timestamp = z.iso.datetime();

export const JobProgress = z
  .object({
    phase: z.enum(['preparing', 'queued', 'rendering', 'assembling', 'done']),
    fraction: z.number().describe('0 to 1 of the frames: committed ones, and those that engines are rendering now'),
    framesDone: z.int(),
    frameCount: z.int().nullable(),
    clipsDone: z.int(),
    clipCount: z.int().nullable(),
    framesPerSecond: z.number().nullable(),
    secondsLeft: z.number().nullable(),
  })
  .meta({ id: 'JobProgress', examples: [exampleProgress] });
export type JobProgress = z.infer<typeof JobProgress>;

export const AttemptView = z
  .object({
    id: z.string(),
    number: z.int(),
    status: AttemptStatus,
    workerId: z.string(),
    startedAt: Timestamp,
    endedAt: Timestamp.nullable(),
    error: Note.nullable(),
    failureClass: FailureClass.nullable().describe('Null while it runs and when it succeeded'),
  })
  .meta({ id: 'Attempt', description: 'One try at a task by one worker', examples: [exampleAttempt] });
export type AttemptView = z.infer<typeof AttemptView>;

export const TaskView = z
  .object({
    id: z.string(),
    kind: TaskKind,
    status: TaskStatus,
    taskClass: TaskClass,
    firstFrame: z.int(),
    frameCount: z.int(),
    framesCommitted: z.int(),
    failures: z.int(),
    attempts: z.array(AttemptView),
  })
  .meta({ id: 'Task', description: 'A part of a job that one worker does at a time', examples: [exampleTask] });
export type TaskView = z.infer<typeof TaskView>;

export const JobLinks = z.record(z.string(), z.string()).meta({
  id: 'JobLinks',
  description:
    'Paths of what belongs to the job, by name: self, events, log; video, manifest, signed and poster when they exist',
  examples: [exampleJob.links],
});

export const JobView = z
  .object({
    id: z.string(),
    status: JobStatus,
    owner: z.string(),
    createdAt: Timestamp,
    startedAt: Timestamp.nullable(),
    endedAt: Timestamp.nullable(),
    spec: ResolvedSpec,
    vramClass: VramClass,
    progress: JobProgress,
    warnings: z.array(Note),
    error: Note.nullable(),
    links: JobLinks,
  })
  .meta({ id: 'Job', description: 'One video: portrait, speech, prompt and settings', examples: [exampleJob] });
export type JobView = z.infer<typeof JobView>;

export const JobDetail = JobView.extend({
  tasksAhead: z
    .int()
    .optional()
    .describe(
      'While a task waits: how many come first by priority and date. Owners take turns, so it may start sooner',
    ),
  tasks: z.array(TaskView),
}).meta({
  id: 'JobDetail',
  description: 'A job with its tasks and their attempts',
  examples: [{ ...exampleJob, tasks: [exampleTask] }],
});
export type JobDetail = z.infer<typeof JobDetail>;

/** What `GET /v1/jobs` may be asked. */
export const JobQuery = z.strictObject({
  status: JobStatus.optional().describe('Only jobs in this state'),
  owner: Owner.optional().describe('Whose jobs; operators and administrators see everyone’s without it'),
  cursor: z
    .string()
    .regex(/^\d{1,15}-[0-9a-z]{1,64}$/, 'Send nextCursor exactly as it was returned.')
    .optional()
    .describe('nextCursor of the page before'),
  limit: z.coerce.number().int().min(1).max(200).default(50).describe('Jobs per page'),
});
export type JobQuery = z.input<typeof JobQuery>;

/** Jobs, newest first. */
export const JobPage = z
  .object({
    jobs: z.array(JobView),
    nextCursor: z.string().optional().describe('Absent on the last page'),
  })
  .meta({
    id: 'JobPage',
    description: 'Jobs, newest first',
    examples: [{ jobs: [exampleJob], nextCursor: `1772442900000-${exampleJobId}` }],
  });
export type JobPage = z.infer<typeof JobPage>;

export const JobParams = z.object({ id: z.string().min(1).max(64).describe('The job’s id') });
