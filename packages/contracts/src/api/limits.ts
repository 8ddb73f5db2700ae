import { z } from 'zod';
import { Owner } from './owner.js';

const limit = z.int().min(1).max(1_000_000);

/** What holds for an owner now. */
export const OwnerLimits = z.object({ requestsPerMinute: z.int(), unendedJobs: z.int() });
export type OwnerLimits = z.infer<typeof OwnerLimits>;

/** What is set for an owner; what is left out follows the farm's configuration. */
export const OwnerLimitsRequest = z.strictObject({
  requestsPerMinute: limit.optional(),
  unendedJobs: limit.optional(),
});
export type OwnerLimitsRequest = z.infer<typeof OwnerLimitsRequest>;

export const OwnerParams = z.object({ owner: Owner });
