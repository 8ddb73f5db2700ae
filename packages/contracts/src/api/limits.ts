import { z } from 'zod';
import { Owner } from './owner.js';

const limit = z.int().min(1).max(1_000_000);

/** What holds for an owner now. */
export const OwnerLimits = z.object({ requestsPerMinute: z.int(), unendedJobs: z.int() }).meta({
  id: 'OwnerLimits',
  description: 'What holds for an owner now',
  examples: [{ requestsPerMinute: 600, unendedJobs: 2000 }],
});
export type OwnerLimits = z.infer<typeof OwnerLimits>;

/** What is set for an owner; what is left out follows the farm's configuration. */
export const OwnerLimitsRequest = z
  .strictObject({ requestsPerMinute: limit.optional(), unendedJobs: limit.optional() })
  .meta({
    id: 'OwnerLimitsRequest',
    description: 'What is left out follows the configuration of the farm',
    examples: [{ requestsPerMinute: 600 }],
  });
export type OwnerLimitsRequest = z.infer<typeof OwnerLimitsRequest>;

export const OwnerParams = z.object({ owner: Owner.describe('The owner’s name') });
