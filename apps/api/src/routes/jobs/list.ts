import { JobStatus, JobView } from '@farm/contracts';
import { listJobs } from '@farm/records';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { callerOf, seesEveryone } from '../../plugins/authentication.js';
import { jobView } from '../../views/job-view.js';
import { Owner } from '../owner.js';
import { commonProblems, problemResponses } from '../problem-responses.js';

const Query = z.strictObject({
  status: JobStatus.optional(),
  owner: Owner.optional().describe('Whose jobs; operators and administrators see everyone’s without it'),
  cursor: z
    .string()
    .regex(/^\d{1,15}-[0-9a-z]{1,64}$/, 'Give back nextCursor as it came.')
    .optional()
    .describe('nextCursor of the page before'),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

export async function listRoute(plain: FastifyInstance): Promise<void> {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  app.get(
    '',
    {
      schema: {
        tags: ['jobs'],
        summary: 'List jobs, newest first',
        querystring: Query,
        response: {
          200: z.object({ jobs: z.array(JobView), nextCursor: z.string().optional() }),
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
