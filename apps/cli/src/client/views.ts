import { EngineName, type JobSpec, JobView, VramClass, WorkerView } from '@farm/contracts';
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

export interface PlanRequest {
  readonly spec: JobSpec;
  /** Pixels as a person sees them. */
  readonly portrait: { readonly width: number; readonly height: number };
  readonly speechSeconds: number;
}

/** What would become of a job. */
export const Plan = z.object({
  engine: EngineName,
  width: z.int(),
  height: z.int(),
  frameCount: z.int(),
  clipCount: z.int(),
  /** The smallest that holds it. */
  vramClass: VramClass,
  /** In 10^9 bytes; null where no GPU takes part. */
  predictedPeakGB: z.number().nullable(),
  /** Connected workers of that class and engine. */
  workers: z.int(),
  warnings: z.array(z.object({ code: z.string(), message: z.string() })),
});
export type Plan = z.infer<typeof Plan>;

export const SignedUrls = z.object({ expiresAt: z.string(), urls: z.record(z.string(), z.string()) });
export type SignedUrls = z.infer<typeof SignedUrls>;

export type KeyRole = (typeof keyRoles)[number];

export interface KeyRequest {
  /** Whose jobs the key sees. */
  readonly owner: string;
  readonly role: KeyRole;
}
