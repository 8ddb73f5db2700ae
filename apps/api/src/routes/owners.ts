import { getOwnerLimits, setOwnerLimits } from '@farm/records';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { Owner } from './owner.js';
import { commonProblems, problemResponses } from './problem-responses.js';

const limit = z.int().min(1).max(1_000_000);
const OwnLimits = z.strictObject({ requestsPerMinute: limit.optional(), unendedJobs: limit.optional() });
const Limits = z.object({ requestsPerMinute: z.int(), unendedJobs: z.int() });
const params = z.object({ owner: Owner });
const config = { access: 'admin' } as const;

export async function ownerRoutes(plain: FastifyInstance): Promise<void> {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  const { configuration, records } = app.services;
  const { requestsPerMinute, unendedJobs } = configuration.limits;
  const read = async (owner: string) => ({
    requestsPerMinute,
    unendedJobs,
    ...(await getOwnerLimits(records.redis, owner)),
  });

  app.get(
    '/:owner/limits',
    {
      config,
      schema: {
        tags: ['keys'],
        summary: 'The limits of an owner',
        params,
        response: { 200: Limits, ...problemResponses(commonProblems) },
      },
    },
    (request) => read(request.params.owner),
  );

  app.put(
    '/:owner/limits',
    {
      config,
      schema: {
        tags: ['keys'],
        summary: 'Set the limits of an owner',
        description: 'What is left out follows the farm’s configuration again.',
        params,
        body: OwnLimits,
        response: { 200: Limits, ...problemResponses([...commonProblems, 415]) },
      },
    },
    async (request) => {
      const set = Object.entries(request.body).filter(([, value]) => value !== undefined);
      await setOwnerLimits(records.redis, request.params.owner, Object.fromEntries(set));
      return await read(request.params.owner);
    },
  );
}
