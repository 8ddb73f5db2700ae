import type { AttemptStatus, FailureClass, RecordedError } from '@farm/contracts';
import { checkSchema, type Fields, jsonOr, numberOrNull, RECORD_SCHEMA } from '../record-schema.js';

export interface AttemptRecord {
  schema: number;
  id: string;
  /** For people; the id is the fence. */
  number: number;
  taskId: string;
  jobId: string;
  workerId: string;
  status: AttemptStatus;
  startedAt: number;
  endedAt: number | null;
  framesDone: number;
  framesPerSecond: number;
  error: RecordedError | null;
  /** Null while it runs, when it succeeded, and where an older program wrote the record. */
  failureClass: FailureClass | null;
  metrics: Record<string, unknown>;
}

export function decodeAttempt(fields: Fields): AttemptRecord {
  checkSchema('attempt', fields);
  return {
    schema: RECORD_SCHEMA,
    id: fields.id!,
    number: Number(fields.number),
    taskId: fields.taskId!,
    jobId: fields.jobId!,
    workerId: fields.workerId!,
    status: fields.status as AttemptRecord['status'],
    startedAt: Number(fields.startedAt),
    endedAt: numberOrNull(fields.endedAt),
    framesDone: Number(fields.framesDone ?? 0),
    framesPerSecond: Number(fields.framesPerSecond ?? 0),
    error: jsonOr(fields.error, null),
    failureClass: (fields.failureClass || null) as FailureClass | null,
    metrics: jsonOr(fields.metrics, {}),
  };
}
