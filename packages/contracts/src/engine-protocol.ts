import { z } from 'zod';
import { RenderSettings } from './render-settings.js';

/**
 * The protocol between a worker and its engine process: one JSON object per line. The worker writes commands to the
 * engine's standard input; the engine writes events to a duplicate of its standard output, after it has pointed
 * descriptor 1 at standard error. Frames do not go through here: each piece has a FIFO, into which the engine writes
 * exactly `frameCount * width * height * 3` bytes of RGB24.
 *
 * `scripts/write-engine-schema.mjs` turns these schemas into the JSON Schema that the Python side checks against.
 */
export const ENGINE_PROTOCOL_VERSION = 2;

const RenderId = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);
const FrameIndex = z.int().min(0);
const FrameCount = z.int().min(1);
const Side = z.int().min(64).max(4096).multipleOf(64);

/** Where the same request may succeed: on this worker, on another one, or never. */
export const Retriable = z.enum(['this-worker', 'another-worker', 'never']);
export type Retriable = z.infer<typeof Retriable>;

export const PieceRequest = z.strictObject({
  index: z.int().min(0),
  /** First frame, counted from the start of the segment. */
  firstFrame: FrameIndex,
  frameCount: FrameCount,
  /** The engine opens this FIFO for writing; the encoder is the reader. */
  fifoPath: z.string().min(1),
});
export type PieceRequest = z.infer<typeof PieceRequest>;

export const RenderCommand = z.strictObject({
  type: z.literal('render'),
  renderId: RenderId,
  portraitPath: z.string().min(1),
  speech: z.strictObject({
    /** Mono 16-bit WAV at 16 kHz: the segment's samples with a margin on both sides, as far as the recording has one. */
    path: z.string().min(1),
    /** Samples of margin before the segment's first sample. */
    marginBefore: z.int().min(0),
    /** Samples that belong to the segment; the rest is margin. The last frame may have fewer than its 640. */
    sampleCount: z.int().min(1),
  }),
  prompt: z.string(),
  width: Side,
  height: Side,
  /** Frames of the whole segment, whichever of them are asked for. */
  segmentFrameCount: FrameCount,
  /** Pieces to render, in order, without gaps. A resumed render starts after the committed ones. */
  pieces: z.array(PieceRequest).min(1),
  seed: z.int().min(0),
  settings: RenderSettings,
  /** Border state to continue from; absent at the start of a segment or where the engine needs none. */
  resumeStatePath: z.string().min(1).optional(),
  /** Folder for border states; absent where none are to be saved. */
  stateDirectory: z.string().min(1).optional(),
});
export type RenderCommand = z.infer<typeof RenderCommand>;

export const InterruptCommand = z.strictObject({
  type: z.literal('interrupt'),
  renderId: RenderId,
  /** `now` abandons the piece within one block; `piece-end` finishes the current piece first. */
  when: z.enum(['now', 'piece-end']),
});
export const ShutdownCommand = z.strictObject({ type: z.literal('shutdown') });
export const EngineCommand = z.discriminatedUnion('type', [RenderCommand, InterruptCommand, ShutdownCommand]);
export type EngineCommand = z.infer<typeof EngineCommand>;

/** First line of every engine: who it is. */
export const HelloEvent = z.strictObject({
  type: z.literal('hello'),
  protocolVersion: z.int(),
  engine: z.string(),
  engineVersion: z.string(),
  pid: z.int(),
});
/** Progress of loading the model, 0 to 1. */
export const LoadingEvent = z.strictObject({
  type: z.literal('loading'),
  phase: z.string(),
  fraction: z.number().min(0).max(1),
});
/** The model is resident; renders are accepted. */
export const ReadyEvent = z.strictObject({
  type: z.literal('ready'),
  /** Facts about the engine for the worker's record: device, precisions, weights. */
  description: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
});
/** Every two seconds, loading included: the process has not hung. */
export const AliveEvent = z.strictObject({ type: z.literal('alive'), renderId: RenderId.nullable() });
export const WarningEvent = z.strictObject({
  type: z.literal('warning'),
  renderId: RenderId.nullable(),
  code: z.string(),
  message: z.string(),
});
/** At most two per second. */
export const ProgressEvent = z.strictObject({
  type: z.literal('progress'),
  renderId: RenderId,
  phase: z.string(),
  /** Frames written to encoders since this render began. */
  framesDone: z.int().min(0),
  frameCount: FrameCount,
});
export const PieceFinishedEvent = z.strictObject({
  type: z.literal('piece-finished'),
  renderId: RenderId,
  index: z.int().min(0),
  firstFrame: FrameIndex,
  frameCount: FrameCount,
  /** SHA-256, in hex, of the piece's RGB24 frames as written. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  renderSeconds: z.number().min(0),
  statePath: z.string().min(1).optional(),
});
export const RenderFinishedEvent = z.strictObject({
  type: z.literal('finished'),
  renderId: RenderId,
  renderSeconds: z.number().min(0),
  /** Peak memory of the process in bytes: on the device where there is one, else resident. */
  peakBytes: z.int().min(0),
  /** Name of the memory plan that ran, where the engine has several. */
  plan: z.string().optional(),
  /** What the plan predicted, to compare with `peakBytes` and the frames per second measured. */
  predictedPeakBytes: z.int().min(0).optional(),
  predictedFramesPerSecond: z.number().min(0).optional(),
});
export const InterruptedEvent = z.strictObject({ type: z.literal('interrupted'), renderId: RenderId });
export const EngineFailedEvent = z.strictObject({
  type: z.literal('failed'),
  /**
   * Null when the failure belongs to no render: with code `bad-command` the engine continues, with any other it
   * exits after this line.
   */
  renderId: RenderId.nullable(),
  code: z.string(),
  message: z.string(),
  retriable: Retriable,
  details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
});
export const EngineEvent = z.discriminatedUnion('type', [
  HelloEvent,
  LoadingEvent,
  ReadyEvent,
  AliveEvent,
  WarningEvent,
  ProgressEvent,
  PieceFinishedEvent,
  RenderFinishedEvent,
  InterruptedEvent,
  EngineFailedEvent,
]);
export type EngineEvent = z.infer<typeof EngineEvent>;
