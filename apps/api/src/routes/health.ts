import { FarmError, Health, Readiness, type Warning } from '@farm/contracts';
import { type RecordsContext, readSweepReport } from '@farm/records';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { problemResponses } from './problem-responses.js';
import type { TypedApp } from './typed-app.js';

const config = { access: 'open' } as const;
const READY_TIMEOUT_MS = 4000;

class NotReadyError extends FarmError {
  constructor(unavailable: string[]) {
    super('not-ready', `No response from ${unavailable.join(' and ')}.`, { data: { away: unavailable } });
  }
}

export async function healthRoutes(plain: FastifyInstance): Promise<void> {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  healthRoute(app);
  readyRoute(app);
}

function healthRoute(app: TypedApp): void {
  app.get(
    '/health',
    {
      config,
      schema: {
        operationId: 'getHealth',
        tags: ['farm'],
        summary: 'Whether this process is alive',
        security: [],
        response: { 200: Health },
      },
    },
    () => ({ status: 'ok' as const }),
  );
}

/** Anyone may read it: no names and no keys. */
async function readyWarnings(records: RecordsContext): Promise<{ warnings?: Warning[] }> {
  const { waiting, seen } = (await readSweepReport(records)) ?? {};
  if (!waiting) return {};
  const message =
    `The sweep of the storage would delete ${waiting.count} of ${seen} objects, which is unusual, and has stopped. ` +
    'Look with `farm storage sweep`, then continue with `farm storage sweep --confirm`.';
  return { warnings: [{ code: 'sweep-stopped', message }] };
}

function readyRoute(app: TypedApp): void {
  app.get(
    '/ready',
    {
      config,
      schema: {
        operationId: 'getReadiness',
        tags: ['farm'],
        summary: 'Whether Redis and the storage are available, and hold the records and the files of one farm',
        security: [],
        response: { 200: Readiness, ...problemResponses([503]) },
      },
    },
    async () => {
      const { records, storage, identity } = app.services;
      const checks = {
        redis: records.redis.ping(),
        storage: storage.check({ signal: AbortSignal.timeout(READY_TIMEOUT_MS) }),
      };
      const results = await Promise.allSettled(Object.values(checks));
      const unavailable = Object.keys(checks).filter((_name, index) => results[index]?.status === 'rejected');
      if (unavailable.length > 0) throw new NotReadyError(unavailable);
      await identity.checkBoth();
      return { status: 'ready' as const, ...(await readyWarnings(records)) };
    },
  );
}
