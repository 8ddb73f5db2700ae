import { JobView, WorkerView } from '@farm/contracts';
import { z } from 'zod';

export const JobPage = z.object({ jobs: z.array(JobView), nextCursor: z.string().nullish() });
export type JobPage = z.infer<typeof JobPage>;

export const WorkerPage = z.object({ workers: z.array(WorkerView) });

export const keyRoles = ['submit', 'operator', 'admin'] as const;

export const KeyView = z.object({ id: z.string(), owner: z.string(), role: z.enum(keyRoles), createdAt: z.string() });
export type KeyView = z.infer<typeof KeyView>;

export const KeyPage = z.object({ keys: z.array(KeyView) });
export const KeyWithSecret = KeyView.extend({ secret: z.string() });
export type KeyWithSecret = z.infer<typeof KeyWithSecret>;

export const OwnerLimits = z.object({ requestsPerMinute: z.int(), unendedJobs: z.int() });
export type OwnerLimits = z.infer<typeof OwnerLimits>;

export const SignedUrls = z.object({ expiresAt: z.string(), urls: z.record(z.string(), z.string()) });
export type SignedUrls = z.infer<typeof SignedUrls>;

export type KeyRole = (typeof keyRoles)[number];

export interface KeyRequest {
  /** Whose jobs the key sees. */
  readonly owner: string;
  readonly role: KeyRole;
}
