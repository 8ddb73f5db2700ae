import { JobPage, JobQuery } from '@farm/contracts';
import { listJobs } from '@farm/records';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { callerOf, seesEveryone } from '../../plugins/authentication.js';
import { jobView } from '../../views/job-view.js';
import { commonProblems, problemResponses } from '../problem-responses.js';

export async function listRoute(plain: FastifyInstance): Promise<void> {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  app.get(
    '',
    {
      schema: {
        operationId: 'listJobs',
        tags: ['jobs'],
        summary: 'List jobs, newest first',
        querystring: JobQuery,
        response: {
          200: JobPage,
          ...problemResponses(commonProblems),
        },
      },
    },
    async (request) => {
      const { status, owner, cursor, limit } = request.query;
      const caller = callerOf(request);
      const whose = seesEveryone(caller) ? owner : caller.owner;
      if (owner !== undefined && !seesEveryone(caller) && owner !== caller.owner) return { jobs: [] };
      const page = await listJobs(app.services.records, {
        limit,
        ...(whose && { owner: whose }),
        ...(status && { status }),
        ...(cursor && { cursor }),
      });
      return { jobs: page.jobs.map((job) => jobView(job)), ...(page.nextCursor && { nextCursor: page.nextCursor }) };
    },
  );
}
