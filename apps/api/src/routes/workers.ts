import { DrainedWorker, FarmError, WorkerList, WorkerParams } from '@farm/contracts';
import { drainWorker, getJob, listWorkers } from '@farm/records';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { callerOf, seesEveryone } from '../plugins/authentication.js';
import { commonProblems, problemResponses } from './problem-responses.js';

export async function workerRoutes(plain: FastifyInstance): Promise<void> {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  const { records } = app.services;

  app.get(
    '/workers',
    {
      schema: {
        operationId: 'listWorkers',
        tags: ['farm'],
        summary: 'List the workers of the farm',
        description: 'Keys of role `submit` see which worker renders their own jobs, and nobody else’s.',
        response: { 200: WorkerList, ...problemResponses(commonProblems) },
      },
    },
    async (request) => {
      const caller = callerOf(request);
      const isVisible = async (jobId: string) =>
        seesEveryone(caller) || (await getJob(records, jobId))?.owner === caller.owner;
      const workers = await Promise.all(
        (await listWorkers(records)).map(async ({ attempts, ...worker }) => {
          const visible = await Promise.all(attempts.map(({ jobId }) => isVisible(jobId)));
          return {
            ...worker,
            startedAt: new Date(worker.startedAt).toISOString(),
            seenAt: new Date(worker.seenAt).toISOString(),
            attempts: attempts.filter((_attempt, index) => visible[index]),
          };
        }),
      );
      return { workers };
    },
  );

  app.post(
    '/workers/:id/drain',
    {
      config: { access: 'operator' },
      schema: {
        operationId: 'drainWorker',
        tags: ['farm'],
        summary: 'Ask a worker to finish its piece and leave',
        params: WorkerParams,
        response: { 202: DrainedWorker, ...problemResponses([...commonProblems, 404]) },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      if (!(await drainWorker(records, id)))
        throw new FarmError('worker-not-found', `There is no worker ${JSON.stringify(id)}.`, { status: 404 });
      return reply.status(202).send({ id });
    },
  );
}
