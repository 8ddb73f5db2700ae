import { JobView, WorkerView } from '@farm/contracts';
import { z } from 'zod';

export const JobPage = z.object({ jobs: z.array(JobView), nextCursor: z.string().nullish() });
export type JobPage = z.infer<typeof JobPage>;

export const WorkerPage = z.object({ workers: z.array(WorkerView) });

export const keyRoles = ['submit', 'operator', 'admin'] as const;

export const KeyView = z.object({
  id: z.string(),
  owner: z.string(),
  role: z.enum(keyRoles),
  name: z.string().nullish(),
  createdAt: z.string(),
  lastUsedAt: z.string().nullish(),
  revokedAt: z.string().nullish(),
});
export type KeyView = z.infer<typeof KeyView>;

export const KeyPage = z.object({ keys: z.array(KeyView) });
export const KeyWithSecret = KeyView.extend({ secret: z.string() });
export type KeyWithSecret = z.infer<typeof KeyWithSecret>;

export interface KeyRequest {
  readonly owner: string;
  readonly role: (typeof keyRoles)[number];
  readonly name?: string | undefined;
}
