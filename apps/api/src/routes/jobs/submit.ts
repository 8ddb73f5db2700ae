import { JobSpec, JobView } from '@farm/contracts';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { callerOf } from '../../plugins/authentication.js';
import { JsonSubmit } from '../../submit/receive-json.js';
import { submitJob } from '../../submit/submit-job.js';
import { jobView } from '../../views/job-view.js';
import { commonProblems, problemResponses } from '../problem-responses.js';
import { findJob } from './find-job.js';

const description = `Send \`multipart/form-data\` with three parts in any order: \`spec\` (JSON), \`image\` (the portrait) and \`audio\` (the speech).
Large files may be sent before, by \`POST /v1/uploads\`; then send JSON that names them. Files are judged by their contents. With an \`Idempotency-Key\`, sending the same again within a day answers the first job (200).`;

/** For the documentation; the parts are checked one by one as they come. */
const MultipartSubmit = z.strictObject({ spec: JobSpec, image: z.file(), audio: z.file() });

export async function submitRoute(plain: FastifyInstance): Promise<void> {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  app.post(
    '',
    {
      schema: {
        tags: ['jobs'],
        summary: 'Submit a job',
        description,
        requestContents: {
          'multipart/form-data': MultipartSubmit,
          'application/json': JsonSubmit.extend({ spec: JobSpec }),
        },
        headers: z.looseObject({
          'idempotency-key': z.string().optional().describe('1 to 128 characters; unique for each job of yours'),
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
