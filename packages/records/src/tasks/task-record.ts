import type { EngineName, TaskClass, TaskKind, TaskStatus, Warning } from '@farm/contracts';
import { checkSchema, type Fields, jsonOr, RECORD_SCHEMA } from '../record-schema.js';
import { taskClassOf } from './task-class.js';

export interface SpeechFacts {
  /** Mono 16 kHz WAV made by `prepare`. */
  key: string;
  /** Of the file; absent in records made before it was kept. */
  sha256?: string;
  sampleCount: number;
  seconds: number;
}

export interface SegmentPlan {
  firstFrame: number;
  frameCount: number;
  /** Mono 16 kHz WAV of the segment's samples with a margin on both sides. */
  speechKey: string;
  speechSha256?: string;
  marginBefore: number;
  sampleCount: number;
  seed: number;
}

/** What `prepare` found out; `advance` plans the render from it. */
export interface PrepareResult {
  frameCount: number;
  portraitKey: string;
  portraitSha256?: string;
  speech: SpeechFacts;
  segments: SegmentPlan[];
  warnings: Warning[];
}

export interface TaskRecord {
  schema: number;
  id: string;
  jobId: string;
  kind: TaskKind;
  status: TaskStatus;
  taskClass: TaskClass;
  /** Engine that a worker must run to claim this; empty for work on the CPU slot. */
  engine: EngineName | '';
  /** Claims prefer a worker that last rendered with the same key. */
  warmKey: string;
  order: number;
  generation: number;
  readyAt: number;
  attemptId: string | null;
  attemptCount: number;
  /** Of input and engine: these are bounded by `MAX_FAILURES`. */
  failures: number;
  machineFailures: number;
  storageFailures: number;
  losses: number;
  firstFrame: number;
  frameCount: number;
  framesCommitted: number;
  segment: SegmentPlan | null;
  result: unknown;
}

export function decodeTask(fields: Fields): TaskRecord {
  checkSchema('task', fields);
  return {
    schema: RECORD_SCHEMA,
    id: fields.id!,
    jobId: fields.jobId!,
    kind: fields.kind as TaskRecord['kind'],
    status: fields.status as TaskRecord['status'],
    taskClass: taskClassOf(fields.taskClass),
    engine: (fields.engine ?? '') as TaskRecord['engine'],
    warmKey: fields.warmKey ?? '',
    order: Number(fields.order),
    generation: Number(fields.generation ?? 0),
    readyAt: Number(fields.readyAt ?? 0),
    attemptId: fields.attemptId || null,
    attemptCount: Number(fields.attemptCount ?? 0),
    failures: Number(fields.failures ?? 0),
    machineFailures: Number(fields.machineFailures ?? 0),
    storageFailures: Number(fields.storageFailures ?? 0),
    losses: Number(fields.losses ?? 0),
    firstFrame: Number(fields.firstFrame ?? 0),
    frameCount: Number(fields.frameCount ?? 0),
    framesCommitted: Number(fields.framesCommitted ?? 0),
    segment: jsonOr(fields.segment, null),
    result: jsonOr<unknown>(fields.result, null),
  };
}
