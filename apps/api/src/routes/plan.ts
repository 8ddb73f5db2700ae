import { Plan, PlanRequest } from '@farm/contracts';
import { assertLength, defaultAudioLimits } from '@farm/media';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { liveWorkers } from '../submit/live-workers.js';
import { readSpec } from '../submit/read-spec.js';
import { resolveSpec } from '../submit/resolve-spec.js';
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
        ...defaultAudioLimits,
        maximumSeconds: app.services.configuration.limits.maximumSpeechSeconds,
      });
      const workers = await liveWorkers(app.services.records);
      const resolved = resolveSpec(readSpec(spec), { portrait, speechSeconds }, workers);
      const { engine, width, height } = resolved.spec;
      const { vramClass, predictedPeakGB, frameCount, clipCount, warnings } = resolved;
      const able = workers.filter((worker) => worker.engine === engine && worker.vramClass === vramClass);
      return {
        engine,
        width,
        height,
        frameCount,
        clipCount,
        vramClass,
        predictedPeakGB,
        workers: able.length,
        warnings,
      };
    },
  );
}
