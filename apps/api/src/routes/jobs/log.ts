import { Readable } from 'node:stream';
import { objectKeys } from '@farm/contracts';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { callerOf } from '../../plugins/authentication.js';
import type { Services } from '../../services.js';
import { commonProblems, problemResponses } from '../problem-responses.js';
import { findJob, JobParams } from './find-job.js';

const textLog = { description: 'The log', content: { 'application/x-ndjson': { schema: z.any() } } };

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
        tags: ['jobs'],
        summary: 'What the workers wrote while they rendered it: one JSON object a line',
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
