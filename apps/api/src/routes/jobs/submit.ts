import { FarmError, JobView, MultipartSubmitRequest, SubmitRequest } from '@farm/contracts';
import { getJob } from '@farm/records';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { callerOf } from '../../plugins/authentication.js';
import { ClientDisconnectedError } from '../../submit/file-errors.js';
import { jsonParts } from '../../submit/json-parts.js';
import { multipartParts } from '../../submit/multipart-parts.js';
import type { Submission } from '../../submit/submission.js';
import { submitJob } from '../../submit/submit-job.js';
import { jobView } from '../../views/job-view.js';
import { commonProblems, problemResponses } from '../problem-responses.js';
import { JobNotFoundError } from './errors.js';

const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,128}$/;

const description = `Send \`multipart/form-data\` with three parts in any order: \`spec\` (JSON), \`portrait\` and \`speech\` (files).
Large files can be uploaded first, with \`POST /v1/uploads\`; then send JSON that names them. Files are judged by their contents. With an \`Idempotency-Key\`, sending the same again within a day returns the first job (200).`;

class BadIdempotencyKeyError extends FarmError {
  constructor() {
    super('bad-idempotency-key', 'Idempotency-Key has 1 to 128 printable ASCII characters, no spaces.');
  }
}

function submissionOf(request: FastifyRequest): Submission {
  const { owner } = callerOf(request);
  return {
    owner,
    idempotencyKey: idempotencyKeyOf(request),
    parts: request.isMultipart()
      ? multipartParts(request.parts({ limits: { fileSize: Number.MAX_SAFE_INTEGER } }))
      : jsonParts(request.server.services.storage, owner, request.body),
    signal: disconnectSignal(request),
    log: request.log,
  };
}

function idempotencyKeyOf({ headers }: FastifyRequest): string | undefined {
  const key = headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key === 'string' && IDEMPOTENCY_KEY.test(key)) return key;
  throw new BadIdempotencyKeyError();
}

function disconnectSignal({ raw }: FastifyRequest): AbortSignal {
  const disconnected = new AbortController();
  raw.once('close', () => {
    if (!raw.complete) disconnected.abort(new ClientDisconnectedError());
  });
  return disconnected.signal;
}

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
          ...problemResponses([...commonProblems, 404, 408, 409, 413, 415, 422, 507]),
        },
      },
    },
    async (request, reply) => {
      const { jobId, created } = await submitJob(app.services, submissionOf(request));
      const job = await getJob(app.services.records, jobId);
      // The job that an Idempotency-Key refers to may be deleted at any time.
      if (job === undefined) throw new JobNotFoundError(jobId);
      return reply
        .status(created ? 201 : 200)
        .header('location', `/v1/jobs/${jobId}`)
        .send(jobView(job));
    },
  );
}
