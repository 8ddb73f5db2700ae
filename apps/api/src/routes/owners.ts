import { OwnerLimits, OwnerLimitsRequest, OwnerParams } from '@farm/contracts';
import { getOwnerLimits, setOwnerLimits } from '@farm/records';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Services } from '../services.js';
import { commonProblems, problemResponses } from './problem-responses.js';
import type { TypedApp } from './typed-app.js';

const config = { access: 'admin' } as const;

export async function ownerRoutes(plain: FastifyInstance): Promise<void> {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  readRoute(app);
  setRoute(app);
}

async function readLimits({ configuration, records }: Services, owner: string): Promise<OwnerLimits> {
  const { requestsPerMinute, unendedJobs } = configuration.limits;
  return { requestsPerMinute, unendedJobs, ...(await getOwnerLimits(records.redis, owner)) };
}

function readRoute(app: TypedApp): void {
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
    (request) => readLimits(app.services, request.params.owner),
  );
}

function setRoute(app: TypedApp): void {
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
      const { owner } = request.params;
      await setOwnerLimits(app.services.records.redis, owner, Object.fromEntries(set));
      return await readLimits(app.services, owner);
    },
  );
}
