import { Readable } from 'node:stream';
import { JobParams, objectKeys } from '@farm/contracts';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { callerOf } from '../../plugins/authentication.js';
import type { Services } from '../../services.js';
import { commonProblems, problemResponses } from '../problem-responses.js';
import { findJob } from './find-job.js';

/** A string in the document, a stream in the farm. */
const textLog = {
  description: 'One JSON object per line',
  content: { 'application/x-ndjson': { schema: z.any().meta({ type: 'string' }) } },
};

/** The attempts' logs one after another; their ids sort by time. */
async function* readLogs({ storage }: Services, jobId: string): AsyncGenerator<Buffer> {
  for await (const { key } of storage.list(objectKeys.logPrefix(jobId))) {
    const object = await storage.get(key);
    if (object !== undefined) yield* object.stream as AsyncIterable<Buffer>;
  }
}

export async function logRoute(plain: FastifyInstance): Promise<void> {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  app.get(
    '/:id/log',
    {
      schema: {
        operationId: 'getJobLog',
        tags: ['jobs'],
        summary: 'Get the log that the workers wrote while they rendered a job',
        params: JobParams,
        response: { 200: textLog, ...problemResponses([...commonProblems, 404]) },
      },
    },
    async (request, reply) => {
      const job = await findJob(app.services.records, callerOf(request), request.params.id);
      return reply
        .header('content-type', 'application/x-ndjson; charset=utf-8')
        .header('x-content-type-options', 'nosniff')
        .send(Readable.from(readLogs(app.services, job.id), { objectMode: false }));
    },
  );
}
