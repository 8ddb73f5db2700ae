import { z } from 'zod';
import { EngineName, Precision, Preset } from './job-spec.js';
import { AttemptStatus, JobStatus, TaskKind, TaskStatus, WorkerStatus } from './status.js';
import { TaskClass, VramClass } from './vram-class.js';

const Timestamp = z.iso.datetime();
const Note = z.object({ code: z.string(), message: z.string() });

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
  spec: z.object({
    prompt: z.string(),
    size: z.string(),
    width: z.int(),
    height: z.int(),
    clips: z.int().optional(),
    truncate: z.boolean(),
    framesPerClip: z.int(),
    steps: z.int(),
    solver: z.literal('euler'),
    guidanceScale: z.literal(0),
    seed: z.int(),
    engine: EngineName,
    precision: Precision,
    continuity: z.enum(['segmented', 'continuous']),
    segmentClips: z.int(),
    preset: Preset.optional(),
    priority: z.int(),
    dueAt: z.string().optional(),
    metadata: z.record(z.string(), z.string()),
  }),
  vramClass: VramClass,
  progress: JobProgress,
  warnings: z.array(Note),
  error: Note.nullable(),
  links: z.record(z.string(), z.string()),
});
export type JobView = z.infer<typeof JobView>;

export const JobDetail = JobView.extend({
  /** While a task waits: how many stand before it by priority and date. Owners take turns, so it may come sooner. */
  tasksAhead: z.int().optional(),
  tasks: z.array(TaskView),
});
export type JobDetail = z.infer<typeof JobDetail>;

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
