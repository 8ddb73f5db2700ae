import { EngineName, JobSpec, VramClass } from '@farm/contracts';
import { assertLength, defaultSpeechLimits } from '@farm/media';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { readSpec } from '../submit/read-spec.js';
import { type ResolvedJob, resolveSpec } from '../submit/resolve-spec.js';
import { commonProblems, problemResponses } from './problem-responses.js';

const side = z.int().min(1).max(100_000);
const PlanRequest = z.strictObject({
  spec: z.unknown().describe('As for a submit'),
  portrait: z.strictObject({ width: side, height: side }).describe('Pixels as a person sees them'),
  speechSeconds: z.number().positive().max(1e6),
});
/** For the documentation; the spec is checked as a submit’s is, with the same codes. */
const DocumentedPlanRequest = PlanRequest.extend({ spec: JobSpec });

const Plan = z.object({
  engine: EngineName,
  width: z.int(),
  height: z.int(),
  frameCount: z.int(),
  clipCount: z.int(),
  vramClass: VramClass.describe('The smallest class that holds it; larger ones do too'),
  predictedPeakGB: z.number().nullable().describe('10^9 bytes; null where no GPU takes part'),
  workers: z.int().describe('Connected workers of that class that run the engine'),
  warnings: z.array(z.object({ code: z.string(), message: z.string() })),
});

export async function planRoute(plain: FastifyInstance): Promise<void> {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  app.post(
    '/plan',
    {
      schema: {
        tags: ['jobs'],
        summary: 'What would become of a job',
        description: 'The checks of a submit, without files: size, clips, the class that holds it, or what to change.',
        body: PlanRequest,
        requestContents: { 'application/json': DocumentedPlanRequest },
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
