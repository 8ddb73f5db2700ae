import { z } from 'zod';

/** Lies beside the video; what it takes to trust and to repeat it. */
export const Manifest = z.object({
  schema: z.literal(1),
  jobId: z.string(),
  owner: z.string(),
  createdAt: z.string(),
  endedAt: z.string(),
  spec: z.record(z.string(), z.unknown()),
  inputs: z.object({
    portrait: z.object({ key: z.string(), sha256: z.string() }),
    speech: z.object({ key: z.string(), sha256: z.string(), seconds: z.number() }),
  }),
  video: z.object({
    key: z.string(),
    sha256: z.string(),
    bytes: z.int(),
    width: z.int(),
    height: z.int(),
    frameCount: z.int(),
    framesPerSecond: z.int(),
    seconds: z.number(),
  }),
  segments: z.array(
    z.object({
      firstFrame: z.int(),
      frameCount: z.int(),
      seed: z.int(),
      pieces: z.array(
        z.object({
          firstFrame: z.int(),
          frameCount: z.int(),
          /** SHA-256 of the RGB24 frames: the identity of the content. */
          rawSha256: z.string(),
          fileSha256: z.string(),
          attemptId: z.string(),
        }),
      ),
    }),
  ),
  attempts: z.array(
    z.object({
      id: z.string(),
      taskId: z.string(),
      number: z.int(),
      status: z.string(),
      workerId: z.string(),
      startedAt: z.string(),
      endedAt: z.string().nullable(),
      error: z.object({ code: z.string(), message: z.string() }).nullable(),
      metrics: z.record(z.string(), z.unknown()),
    }),
  ),
  engine: z.object({ name: z.string(), version: z.string() }),
  warnings: z.array(z.object({ code: z.string(), message: z.string() })),
});
export type Manifest = z.infer<typeof Manifest>;
