import type { JobStatus, RecordedError, ResolvedSpec, VramClass, Warning } from '@farm/contracts';
import { checkSchema, type Fields, jsonOr, numberOrNull, RECORD_SCHEMA } from '../record-schema.js';

export interface StoredInput {
  key: string;
  sha256: string;
  bytes: number;
}

export interface VideoFacts {
  key: string;
  sha256: string;
  bytes: number;
  frameCount: number;
  seconds: number;
  width: number;
  height: number;
  manifestKey: string;
  posterKey?: string;
}

export interface JobRecord {
  schema: number;
  id: string;
  owner: string;
  status: JobStatus;
  createdAt: number;
  startedAt: number | null;
  endedAt: number | null;
  spec: ResolvedSpec;
  vramClass: VramClass;
  portrait: StoredInput;
  speech: StoredInput;
  warnings: Warning[];
  frameCount: number | null;
  framesCommitted: number;
  rendersLeft: number | null;
  runningAttempts: number;
  /** Its `prepare` runs again, after which renders need the keys of the new files. */
  replan: boolean;
  video: VideoFacts | null;
  /** While the video is made again: the one before, which stays until there is another. */
  formerVideo: VideoFacts | null;
  error: RecordedError | null;
  /** The keys of tasks, attempts and pieces are gone; the manifest has their facts. */
  shrunk: boolean;
  /** Its record was made again from storage. */
  rebuilt: boolean;
}

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
    spec: decodeSpec(fields.spec!),
    vramClass: fields.vramClass as JobRecord['vramClass'],
    portrait: JSON.parse(fields.portrait!) as JobRecord['portrait'],
    speech: JSON.parse(fields.speech!) as JobRecord['speech'],
    warnings: jsonOr(fields.warnings, []),
    frameCount: numberOrNull(fields.frameCount),
    framesCommitted: Number(fields.framesCommitted ?? 0),
    rendersLeft: numberOrNull(fields.rendersLeft),
    runningAttempts: Number(fields.runningAttempts ?? 0),
    replan: fields.replan === '1',
    video: jsonOr(fields.video, null),
    formerVideo: jsonOr(fields.formerVideo, null),
    error: jsonOr(fields.error, null),
    shrunk: fields.shrunk === '1',
    rebuilt: fields.rebuilt === '1',
  };
}

/** Records of schema 2 have a `solver`, which nothing reads. */
function decodeSpec(text: string): ResolvedSpec {
  const { solver: _solver, ...spec } = JSON.parse(text) as ResolvedSpec & { solver?: string };
  return spec;
}
