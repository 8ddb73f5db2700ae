import { z } from 'zod';

export const Audience = z.enum(['public', 'internal']).default('public');

export const SignedUrlsQuery = z.strictObject({
  audience: Audience.describe('Who follows them: people outside, or programs inside the cluster'),
  expiresInSeconds: z.coerce.number().int().min(1).max(604_800).default(3600),
});

/** Addresses of a job's files that need no key, by name: video, manifest, poster. */
export const SignedUrls = z.object({ expiresAt: z.iso.datetime(), urls: z.record(z.string(), z.url()) });
export type SignedUrls = z.infer<typeof SignedUrls>;
