import { z } from 'zod';
import {
  exampleAttemptId,
  exampleCreatedAt,
  exampleEndedAt,
  exampleJobId,
  exampleOwner,
  exampleResolvedSpec,
} from './api/examples.js';
import { Note } from './api/note.js';
import { FailureClass } from './status.js';

const exampleHash = 'a3f1c09e5b7d2468a3f1c09e5b7d2468a3f1c09e5b7d2468a3f1c09e5b7d2468';
const examplePiece = {
  firstFrame: 0,
  frameCount: 48,
  rawSha256: exampleHash,
  fileSha256: exampleHash,
  attemptId: exampleAttemptId,
  engineVersion: '0.1.0',
};
const exampleSegment = { firstFrame: 0, frameCount: 48, seed: 7, pieces: [examplePiece] };
const exampleAttempt = {
  id: exampleAttemptId,
  taskId: `${exampleJobId}-render-00000`,
  number: 1,
  status: 'succeeded',
  workerId: 'studio-gpu0',
  startedAt: exampleCreatedAt,
  endedAt: exampleEndedAt,
  error: null,
  failureClass: null,
  metrics: {},
};
const exampleVideo = {
  key: `jobs/${exampleJobId}/output/video.mp4`,
  sha256: exampleHash,
  bytes: 412_800,
  width: 448,
  height: 576,
  frameCount: 48,
  framesPerSecond: 25,
  seconds: 1.92,
};
const exampleInputs = {
  portrait: { key: `jobs/${exampleJobId}/input/portrait.jpg`, sha256: exampleHash },
  speech: { key: `jobs/${exampleJobId}/input/speech.wav`, sha256: exampleHash, seconds: 1.9 },
};

export const ManifestPortrait = z
  .object({ key: z.string(), sha256: z.string() })
  .meta({ id: 'ManifestPortrait', examples: [exampleInputs.portrait] });

export const ManifestSpeech = z
  .object({ key: z.string(), sha256: z.string(), seconds: z.number() })
  .meta({ id: 'ManifestSpeech', examples: [exampleInputs.speech] });

export const ManifestInputs = z
  .object({ portrait: ManifestPortrait, speech: ManifestSpeech })
  .meta({ id: 'ManifestInputs', examples: [exampleInputs] });

export const ManifestVideo = z
  .object({
    key: z.string(),
    sha256: z.string(),
    bytes: z.int(),
    width: z.int(),
    height: z.int(),
    frameCount: z.int(),
    framesPerSecond: z.int(),
    seconds: z.number(),
  })
  .meta({ id: 'ManifestVideo', examples: [exampleVideo] });

export const ManifestPiece = z
  .object({
    firstFrame: z.int(),
    frameCount: z.int(),
    rawSha256: z.string().describe('SHA-256 of the RGB24 frames: the identity of the content'),
    fileSha256: z.string(),
    attemptId: z.string(),
    engineVersion: z.string().optional(),
  })
  .meta({ id: 'ManifestPiece', examples: [examplePiece] });

export const ManifestSegment = z
  .object({ firstFrame: z.int(), frameCount: z.int(), seed: z.int(), pieces: z.array(ManifestPiece) })
  .meta({ id: 'ManifestSegment', examples: [exampleSegment] });

export const ManifestAttempt = z
  .object({
    id: z.string(),
    taskId: z.string(),
    number: z.int(),
    status: z.string(),
    workerId: z.string(),
    startedAt: z.string(),
    endedAt: z.string().nullable(),
    error: Note.nullable(),
    failureClass: FailureClass.nullable().optional(),
    metrics: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'ManifestAttempt', examples: [exampleAttempt] });

export const ManifestEngine = z
  .object({ name: z.string(), version: z.string() })
  .meta({ id: 'ManifestEngine', examples: [{ name: 'liveavatar', version: '0.1.0' }] });

/** Stored beside the video: what it takes to trust and to repeat it. */
export const Manifest = z
  .object({
    schema: z.literal(1),
    jobId: z.string(),
    owner: z.string(),
    createdAt: z.string(),
    endedAt: z.string(),
    spec: z.record(z.string(), z.unknown()),
    inputs: ManifestInputs,
    video: ManifestVideo,
    segments: z.array(ManifestSegment),
    attempts: z.array(ManifestAttempt),
    engine: ManifestEngine,
    warnings: z.array(Note),
  })
  .meta({
    id: 'Manifest',
    description: 'How a video was made: what it takes to trust and to repeat it',
    examples: [
      {
        schema: 1,
        jobId: exampleJobId,
        owner: exampleOwner,
        createdAt: exampleCreatedAt,
        endedAt: exampleEndedAt,
        spec: exampleResolvedSpec,
        inputs: exampleInputs,
        video: exampleVideo,
        segments: [exampleSegment],
        attempts: [exampleAttempt],
        engine: { name: 'liveavatar', version: '0.1.0' },
        warnings: [],
      },
    ],
  });
export type Manifest = z.infer<typeof Manifest>;
