import { FarmError, JobView, MultipartSubmitRequest, SubmitRequest } from '@farm/contracts';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { callerOf } from '../../plugins/authentication.js';
import { ClientDisconnectedError } from '../../submit/file-errors.js';
import { BadMultipartError } from '../../submit/part-errors.js';
import type { Submission, SubmittedPart } from '../../submit/submission.js';
import { submitJob } from '../../submit/submit-job.js';
import { jobView } from '../../views/job-view.js';
import { commonProblems, problemResponses } from '../problem-responses.js';
import { findJob } from './find-job.js';

const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,128}$/;

const description = `Send \`multipart/form-data\` with three parts in any order: \`spec\` (JSON), \`portrait\` and \`speech\` (files).
Large files can be uploaded first, with \`POST /v1/uploads\`; then send JSON that names them. Files are judged by their contents. With an \`Idempotency-Key\`, sending the same again within a day returns the first job (200).`;

class BadIdempotencyKeyError extends FarmError {
  constructor() {
    super('bad-idempotency-key', 'Idempotency-Key has 1 to 128 printable ASCII characters, no spaces.');
  }
}

function submissionOf(request: FastifyRequest): Submission {
  return {
    owner: callerOf(request).owner,
    idempotencyKey: idempotencyKeyOf(request),
    body: request.isMultipart() ? { parts: partsOf(request) } : { json: request.body },
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

async function* partsOf(request: FastifyRequest): AsyncGenerator<SubmittedPart> {
  const parts = request.parts({ limits: { fileSize: Number.MAX_SAFE_INTEGER } });
  for (;;) {
    const next = await parts.next().catch((error: unknown) => {
      // The parser itself gives up with errors that have no code.
      throw error instanceof Error && !('code' in error) ? new BadMultipartError(error) : error;
    });
    if (next.done) return;
    yield next.value;
  }
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
          ...problemResponses([...commonProblems, 404, 408, 413, 415, 422, 507]),
        },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { jobId, created } = await submitJob(app.services, submissionOf(request));
      // The job that an Idempotency-Key refers to may be deleted at any time.
      const job = await findJob(app.services.records, caller, jobId);
      return reply
        .status(created ? 201 : 200)
        .header('location', `/v1/jobs/${jobId}`)
        .send(jobView(job));
    },
  );
}
