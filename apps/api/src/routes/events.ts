import { readFarmEvents } from '@farm/records';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { lastEventIdOf } from '../events/event-stream.js';
import { followEvents } from '../events/follow-events.js';
import { commonProblems, eventStreamResponse, problemResponses } from './problem-responses.js';

export async function eventRoute(plain: FastifyInstance): Promise<void> {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  app.get(
    '/events',
    {
      config: { access: 'operator' },
      // HEAD of a stream would never end.
      exposeHeadRoute: false,
      schema: {
        operationId: 'followFarm',
        tags: ['farm'],
        summary: 'Follow everything that happens in the farm',
        description: 'Like the events of a job, but without an end. Without `Last-Event-ID` no past events are sent.',
        response: { 200: eventStreamResponse, ...problemResponses(commonProblems) },
      },
    },
    async (request, reply) => {
      const lastEventId = lastEventIdOf(request);
      await followEvents(plain, reply, {
        scope: '*',
        lastEventId,
        readPast: () => readFarmEvents(app.services.records, lastEventId),
        isLast: () => false,
      });
      return reply;
    },
  );
}
