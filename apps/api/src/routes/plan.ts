import { Plan, PlanRequest } from '@farm/contracts';
import { assertLength, defaultSpeechLimits } from '@farm/media';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { readSpec } from '../submit/read-spec.js';
import { type ResolvedJob, resolveSpec } from '../submit/resolve-spec.js';
import { commonProblems, problemResponses } from './problem-responses.js';

/** The spec is checked as that of a submit is, with the same codes. */
const LoosePlanRequest = PlanRequest.extend({ spec: z.unknown() });

export async function planRoute(plain: FastifyInstance): Promise<void> {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  app.post(
    '/plan',
    {
      schema: {
        operationId: 'planJob',
        tags: ['jobs'],
        summary: 'Show what a job would become',
        description: 'The checks of a submit, without files: size, clips, the class that holds it, or what to change.',
        body: LoosePlanRequest,
        requestContents: { 'application/json': PlanRequest },
        response: { 200: Plan, ...problemResponses([...commonProblems, 415, 422]) },
      },
    },
    async (request) => {
      const { spec, portrait, speechSeconds } = request.body;
      assertLength(speechSeconds, {
        ...defaultSpeechLimits,
        maximumSeconds: app.services.configuration.limits.maximumSpeechSeconds,
      });
      return planView(await resolveSpec(app.services.records, readSpec(spec), { portrait, speechSeconds }));
    },
  );
}

function planView({ spec: { engine, width, height }, workerCount, ...resolved }: ResolvedJob) {
  const { vramClass, predictedPeakGB, frameCount, clipCount, warnings } = resolved;
  return { engine, width, height, frameCount, clipCount, vramClass, predictedPeakGB, workers: workerCount, warnings };
}
