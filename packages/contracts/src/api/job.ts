import { z } from 'zod';
import { ResolvedSpec } from '../resolved-spec.js';
import { AttemptStatus, JobStatus, TaskKind, TaskStatus } from '../status.js';
import { TaskClass, VramClass } from '../vram-class.js';
import { Note } from './note.js';
import { Owner } from './owner.js';

const Timestamp = z.iso.datetime();

export const JobProgress = z.object({
  phase: z.enum(['preparing', 'queued', 'rendering', 'assembling', 'done']),
  /** 0 to 1, of the frames: committed ones and those the engines report as under way. */
  fraction: z.number(),
  framesDone: z.int(),
  frameCount: z.int().nullable(),
  clipsDone: z.int(),
  clipCount: z.int().nullable(),
  framesPerSecond: z.number().nullable(),
  secondsLeft: z.number().nullable(),
});
export type JobProgress = z.infer<typeof JobProgress>;

export const AttemptView = z.object({
  id: z.string(),
  number: z.int(),
  status: AttemptStatus,
  workerId: z.string(),
  startedAt: Timestamp,
  endedAt: Timestamp.nullable(),
  error: Note.nullable(),
});
export type AttemptView = z.infer<typeof AttemptView>;

export const TaskView = z.object({
  id: z.string(),
  kind: TaskKind,
  status: TaskStatus,
  taskClass: TaskClass,
  firstFrame: z.int(),
  frameCount: z.int(),
  framesCommitted: z.int(),
  failures: z.int(),
  attempts: z.array(AttemptView),
});
export type TaskView = z.infer<typeof TaskView>;

export const JobView = z.object({
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
  links: z.record(z.string(), z.string()),
});
export type JobView = z.infer<typeof JobView>;

export const JobDetail = JobView.extend({
  /** While a task waits: how many are before it by priority and date. Owners take turns, so it may start sooner. */
  tasksAhead: z.int().optional(),
  tasks: z.array(TaskView),
});
export type JobDetail = z.infer<typeof JobDetail>;

/** What `GET /v1/jobs` may be asked. */
export const JobQuery = z.strictObject({
  status: JobStatus.optional(),
  owner: Owner.optional().describe('Whose jobs; operators and administrators see everyone’s without it'),
  cursor: z
    .string()
    .regex(/^\d{1,15}-[0-9a-z]{1,64}$/, 'Send nextCursor exactly as it was returned.')
    .optional()
    .describe('nextCursor of the page before'),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
export type JobQuery = z.input<typeof JobQuery>;

/** Jobs, newest first. */
export const JobPage = z.object({
  jobs: z.array(JobView),
  nextCursor: z.string().optional().describe('Absent on the last page'),
});
export type JobPage = z.infer<typeof JobPage>;

export const JobParams = z.object({ id: z.string().min(1).max(64).describe('The job’s id') });
