import { z } from 'zod';
import { exampleEndedAt, exampleJobId } from './examples.js';

export const Audience = z.enum(['public', 'internal']).meta({ id: 'Audience' });
export type Audience = z.infer<typeof Audience>;

export const SignedUrlsQuery = z.strictObject({
  audience: Audience.default('public').describe('Who follows them: people outside, or programs inside the cluster'),
  expiresInSeconds: z.coerce.number().int().min(1).max(604_800).default(3600).describe('How long the URLs work'),
});

/** Addresses of a job's files that need no key, by name: video, manifest, poster. */
export const SignedUrls = z
  .object({
    expiresAt: z.iso.datetime(),
    urls: z.record(z.string(), z.url()).describe('By name: video, manifest and, where there is one, poster'),
  })
  .meta({
    id: 'SignedUrls',
    examples: [
      {
        expiresAt: exampleEndedAt,
        urls: {
          video: `https://farm.example/v1/objects/jobs/${exampleJobId}/video.mp4?expires=1772443300&signature=4f1c`,
        },
      },
    ],
  });
export type SignedUrls = z.infer<typeof SignedUrls>;
