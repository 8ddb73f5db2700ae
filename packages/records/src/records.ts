import type {
  AttemptStatus,
  EngineName,
  JobStatus,
  RecordedError,
  ResolvedSpec,
  TaskClass,
  TaskKind,
  TaskStatus,
  VramClass,
  Warning,
  WorkerStatus,
} from '@farm/contracts';

/** Version of the record layout that this code writes. Readers accept this one and the one before. */
export const RECORD_SCHEMA = 2;

export interface StoredInput {
  key: string;
  sha256: string;
  bytes: number;
}

export interface SpeechFacts {
  /** Mono 16 kHz WAV made by `prepare`. */
  key: string;
  sampleCount: number;
  seconds: number;
}

export interface SegmentPlan {
  firstFrame: number;
  frameCount: number;
  /** Mono 16 kHz WAV of the segment's samples with a margin on both sides. */
  speechKey: string;
  marginBefore: number;
  sampleCount: number;
  seed: number;
}

/** What `prepare` found out; `advance` plans the render from it. */
export interface PrepareResult {
  frameCount: number;
  portraitKey: string;
  speech: SpeechFacts;
  segments: SegmentPlan[];
  warnings: Warning[];
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
  video: VideoFacts | null;
  error: RecordedError | null;
  /** The keys of tasks, attempts and pieces are gone; the manifest answers for them. */
  shrunk: boolean;
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
  /** Claims prefer a worker that last rendered with the same key (engine, size, precision). */
  warmKey: string;
  order: number;
  generation: number;
  readyAt: number;
  attemptId: string | null;
  attemptCount: number;
  failures: number;
  losses: number;
  firstFrame: number;
  frameCount: number;
  framesCommitted: number;
  segment: SegmentPlan | null;
  result: unknown;
}

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
  metrics: Record<string, unknown>;
}

/** One clip's encoded frames, committed in frame order; frames count from the start of the segment. */
export interface PieceRecord {
  firstFrame: number;
  frameCount: number;
  key: string;
  bytes: number;
  /** SHA-256 of the RGB24 frames. */
  rawSha256: string;
  fileSha256: string;
  attemptId: string;
  stateKey?: string;
}

export interface WorkerRecord {
  id: string;
  status: WorkerStatus;
  vramClass: VramClass;
  engine: EngineName;
  engineVersion: string;
  host: string;
  gpu: string | null;
  startedAt: number;
  seenAt: number;
}
