import { z } from 'zod';

/** RFC 9457 problem document; further members belong to the code. */
export const Problem = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string().describe('What was wrong and what to do next, for people'),
    code: z.string().describe('Stable: branch on this, never on the sentences'),
    instance: z.string().optional().describe('Names the request in the log of the farm'),
  })
  .meta({
    id: 'Problem',
    description: 'A problem document (RFC 9457). Some codes add members of their own.',
    examples: [
      {
        type: 'urn:farm:problem:video-not-ready',
        title: 'The video is not ready',
        status: 409,
        detail: 'The job is running; the video is available once it has succeeded.',
        code: 'video-not-ready',
        instance: 'urn:farm:request:01m824bq2s9d4n6v0k1h7t3xwz',
        jobStatus: 'running',
      },
    ],
  });
export type Problem = z.infer<typeof Problem>;
