import { DrainedWorker, FarmError, WorkerList, WorkerParams } from '@farm/contracts';
import { drainWorker, getJob, listWorkers } from '@farm/records';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { callerOf, seesEveryone } from '../plugins/authentication.js';
import { commonProblems, problemResponses } from './problem-responses.js';
import type { TypedApp } from './typed-app.js';

class WorkerNotFoundError extends FarmError {
  constructor(id: string) {
    super('worker-not-found', `There is no worker ${JSON.stringify(id)}.`);
  }
}

export async function workerRoutes(plain: FastifyInstance): Promise<void> {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  listRoute(app);
  drainRoute(app);
}

function listRoute(app: TypedApp): void {
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
      const { records } = app.services;
      const caller = callerOf(request);
      const isVisible = async (jobId: string) =>
        seesEveryone(caller) || (await getJob(records, jobId))?.owner === caller.owner;
      const workers = await Promise.all(
        (await listWorkers(records)).map(async ({ attempts, quarantine, ...worker }) => {
          const visible = await Promise.all(attempts.map(({ jobId }) => isVisible(jobId)));
          return {
            ...worker,
            startedAt: new Date(worker.startedAt).toISOString(),
            seenAt: new Date(worker.seenAt).toISOString(),
            quarantine: quarantine && { since: new Date(quarantine.since).toISOString(), reason: quarantine.reason },
            attempts: attempts.filter((_attempt, index) => visible[index]),
          };
        }),
      );
      return { workers };
    },
  );
}

function drainRoute(app: TypedApp): void {
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
      if (!(await drainWorker(app.services.records, id))) throw new WorkerNotFoundError(id);
      return reply.status(202).send({ id });
    },
  );
}
