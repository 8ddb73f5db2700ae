import { FarmError, StorageSweep } from '@farm/contracts';
import { confirmSweep, readSweepReport } from '@farm/records';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { commonProblems, problemResponses } from './problem-responses.js';
import type { TypedApp } from './typed-app.js';

const config = { access: 'admin' } as const;

class NothingSweptYetError extends FarmError {
  constructor() {
    super('nothing-swept-yet', 'No sweep of the storage has ended yet; the scheduler starts one every ten minutes.');
  }
}

class NothingToConfirmError extends FarmError {
  constructor() {
    super('nothing-to-confirm', 'No sweep of the storage waits for a confirmation.');
  }
}

export async function storageSweepRoutes(plain: FastifyInstance): Promise<void> {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  showRoute(app);
  confirmRoute(app);
}

function showRoute(app: TypedApp): void {
  app.get(
    '/storage/sweep',
    {
      config,
      schema: {
        operationId: 'getStorageSweep',
        tags: ['farm'],
        summary: 'Show what the last sweep of the storage found',
        response: { 200: StorageSweep, ...problemResponses([...commonProblems, 404]) },
      },
    },
    async () => {
      const report = await readSweepReport(app.services.records);
      if (report === undefined) throw new NothingSweptYetError();
      return report;
    },
  );
}

function confirmRoute(app: TypedApp): void {
  app.post(
    '/storage/sweep/confirm',
    {
      config,
      schema: {
        operationId: 'confirmStorageSweep',
        tags: ['farm'],
        summary: 'Let the next sweep of the storage delete what waits',
        description:
          'A sweep stops before it deletes unusually many objects that nobody asked it to delete. The next one, within ten ' +
          'minutes, deletes as many as are shown here.',
        response: { 202: StorageSweep, ...problemResponses([...commonProblems, 409]) },
      },
    },
    async (_request, reply) => {
      const report = await confirmSweep(app.services.records);
      if (report === undefined) throw new NothingToConfirmError();
      return reply.status(202).send(report);
    },
  );
}
