import { FarmError } from '@farm/contracts';
import { type AttemptRecord, type JobRecord, RECORD_SCHEMA, type TaskRecord, type WorkerRecord } from './records.js';

type Fields = Record<string, string>;

function checkSchema(kind: string, fields: Fields): number {
  const schema = Number(fields.schema);
  if (schema === RECORD_SCHEMA || schema === RECORD_SCHEMA - 1) return schema;
  throw new FarmError(
    'record-schema',
    `The ${kind} ${fields.id} was written with record schema ${fields.schema}, and this program reads ` +
      `${RECORD_SCHEMA - 1} and ${RECORD_SCHEMA}. Upgrade this program, or finish the old jobs with the old one first.`,
  );
}

const numberOrNull = (text: string | undefined) => (text === undefined || text === '' ? null : Number(text));
const jsonOr = <T>(text: string | undefined, absent: T): T => (text ? (JSON.parse(text) as T) : absent);

export function decodeJob(fields: Fields): JobRecord {
  checkSchema('job', fields);
  return {
    schema: RECORD_SCHEMA,
    id: fields.id!,
    owner: fields.owner!,
    status: fields.status as JobRecord['status'],
    createdAt: Number(fields.createdAt),
    startedAt: numberOrNull(fields.startedAt),
    endedAt: numberOrNull(fields.endedAt),
    spec: JSON.parse(fields.spec!) as JobRecord['spec'],
    vramClass: fields.vramClass as JobRecord['vramClass'],
    portrait: JSON.parse(fields.portrait!) as JobRecord['portrait'],
    speech: JSON.parse(fields.speech!) as JobRecord['speech'],
    warnings: jsonOr(fields.warnings, []),
    frameCount: numberOrNull(fields.frameCount),
    framesCommitted: Number(fields.framesCommitted ?? 0),
    rendersLeft: numberOrNull(fields.rendersLeft),
    runningAttempts: Number(fields.runningAttempts ?? 0),
    video: jsonOr(fields.video, null),
    error: jsonOr(fields.error, null),
    shrunk: fields.shrunk === '1',
  };
}

export function decodeTask(fields: Fields): TaskRecord {
  checkSchema('task', fields);
  return {
    schema: RECORD_SCHEMA,
    id: fields.id!,
    jobId: fields.jobId!,
    kind: fields.kind as TaskRecord['kind'],
    status: fields.status as TaskRecord['status'],
    taskClass: fields.taskClass as TaskRecord['taskClass'],
    engine: (fields.engine ?? '') as TaskRecord['engine'],
    warmKey: fields.warmKey ?? '',
    order: Number(fields.order),
    generation: Number(fields.generation ?? 0),
    readyAt: Number(fields.readyAt ?? 0),
    attemptId: fields.attemptId || null,
    attemptCount: Number(fields.attemptCount ?? 0),
    failures: Number(fields.failures ?? 0),
    // Schema 1 has no count of lost workers.
    losses: Number(fields.losses ?? 0),
    firstFrame: Number(fields.firstFrame ?? 0),
    frameCount: Number(fields.frameCount ?? 0),
    framesCommitted: Number(fields.framesCommitted ?? 0),
    segment: jsonOr(fields.segment, null),
    result: jsonOr<unknown>(fields.result, null),
  };
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
    metrics: jsonOr(fields.metrics, {}),
  };
}

export function decodeWorker(fields: Fields): WorkerRecord {
  return {
    id: fields.id!,
    status: fields.status as WorkerRecord['status'],
    vramClass: fields.vramClass as WorkerRecord['vramClass'],
    engine: fields.engine as WorkerRecord['engine'],
    engineVersion: fields.engineVersion ?? '',
    host: fields.host ?? '',
    gpu: fields.gpu || null,
    startedAt: Number(fields.startedAt),
    seenAt: Number(fields.seenAt),
  };
}
