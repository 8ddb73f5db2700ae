import { OwnerLimits, OwnerLimitsRequest, OwnerParams } from '@farm/contracts';
import { getOwnerLimits, setOwnerLimits } from '@farm/records';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { commonProblems, problemResponses } from './problem-responses.js';

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
        operationId: 'getOwnerLimits',
        tags: ['keys'],
        summary: 'Show the limits of an owner',
        params: OwnerParams,
        response: { 200: OwnerLimits, ...problemResponses(commonProblems) },
      },
    },
    (request) => read(request.params.owner),
  );

  app.put(
    '/:owner/limits',
    {
      config,
      schema: {
        operationId: 'setOwnerLimits',
        tags: ['keys'],
        summary: 'Set the limits of an owner',
        description: 'What is left out follows the configuration of the farm again.',
        params: OwnerParams,
        body: OwnerLimitsRequest,
        response: { 200: OwnerLimits, ...problemResponses([...commonProblems, 415]) },
      },
    },
    async (request) => {
      const set = Object.entries(request.body).filter(([, value]) => value !== undefined);
      await setOwnerLimits(records.redis, request.params.owner, Object.fromEntries(set));
      return await read(request.params.owner);
    },
  );
}
