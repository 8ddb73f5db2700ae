import { hasEnded, JobParams } from '@farm/contracts';
import { readJobEvents } from '@farm/records';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { lastEventIdOf } from '../../events/event-stream.js';
import { followEvents } from '../../events/follow-events.js';
import { callerOf } from '../../plugins/authentication.js';
import { commonProblems, eventStreamResponse, problemResponses } from '../problem-responses.js';
import { findJob } from './find-job.js';

const description = `Server-sent events say what changed; read the job again for its state. The stream replays from \`Last-Event-ID\`, sends a
comment every 15 s, sends \`reset\` when past events are no longer kept, and ends after the job's last event (from then on, 204).`;

const lastTypes = new Set(['job-succeeded', 'job-failed', 'job-canceled', 'job-deleted']);

export async function eventRoute(plain: FastifyInstance): Promise<void> {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  const { records } = app.services;
  app.get(
    '/:id/events',
    {
      // HEAD of a stream would never end.
      exposeHeadRoute: false,
      schema: {
        operationId: 'followJob',
        tags: ['jobs'],
        summary: 'Follow the events of a job',
        description,
        params: JobParams,
        response: {
          200: eventStreamResponse,
          204: z.null().describe('The job has ended, and there are no further events'),
          ...problemResponses([...commonProblems, 404]),
        },
      },
    },
    async (request, reply) => {
      const lastEventId = lastEventIdOf(request);
      const job = await findJob(records, callerOf(request), request.params.id);
      const past = await readJobEvents(records, job.id, lastEventId);
      // 204 tells an EventSource to stop coming back.
      if (hasEnded(job.status) && past.events.length === 0 && !past.reset) return await reply.status(204).send(null);
      await followEvents(plain, reply, {
        scope: job.id,
        lastEventId,
        readPast: () => readJobEvents(records, job.id, lastEventId),
        isLast: (event) => lastTypes.has(event.type),
      });
      return reply;
    },
  );
}
