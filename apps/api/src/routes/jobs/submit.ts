import { JobView, MultipartSubmitRequest, SubmitRequest } from '@farm/contracts';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { callerOf } from '../../plugins/authentication.js';
import { submitJob } from '../../submit/submit-job.js';
import { jobView } from '../../views/job-view.js';
import { commonProblems, problemResponses } from '../problem-responses.js';
import { findJob } from './find-job.js';

const description = `Send \`multipart/form-data\` with three parts in any order: \`spec\` (JSON), \`portrait\` and \`speech\` (files).
Large files can be uploaded first, with \`POST /v1/uploads\`; then send JSON that names them. Files are judged by their contents. With an \`Idempotency-Key\`, sending the same again within a day returns the first job (200).`;

export async function submitRoute(plain: FastifyInstance): Promise<void> {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  app.post(
    '',
    {
      schema: {
        operationId: 'submitJob',
        tags: ['jobs'],
        summary: 'Submit a job',
        description,
        // For the documentation; the parts are checked one by one as they arrive.
        requestContents: { 'multipart/form-data': MultipartSubmitRequest, 'application/json': SubmitRequest },
        headers: z.looseObject({
          'idempotency-key': z
            .string()
            .optional()
            .describe('1 to 128 characters; a different one for each of your jobs'),
        }),
        response: {
          201: JobView,
          200: JobView,
          ...problemResponses([...commonProblems, 404, 408, 413, 415, 422, 507]),
        },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { jobId, created } = await submitJob(app.services, request, caller);
      // What an Idempotency-Key stands for may be deleted at any time.
      const job = await findJob(app.services.records, caller, jobId);
      return reply
        .status(created ? 201 : 200)
        .header('location', `/v1/jobs/${jobId}`)
        .send(jobView(job));
    },
  );
}
