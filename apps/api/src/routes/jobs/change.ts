import { hasEnded, JobParams, JobView, objectKeys } from '@farm/contracts';
import { cancelJob, deleteJob, type JobRecord, retryJob } from '@farm/records';
import type { ObjectStorage } from '@farm/storage';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { callerOf } from '../../plugins/authentication.js';
import type { Services } from '../../services.js';
import { jobView } from '../../views/job-view.js';
import { commonProblems, problemResponses } from '../problem-responses.js';
import type { TypedApp } from '../typed-app.js';
import { InputsGoneError, JobEndedError, JobNotEndedError, JobNotRetriableError } from './errors.js';
import { findJob } from './find-job.js';

const problems = problemResponses([...commonProblems, 404, 409]);

export async function changeRoutes(plain: FastifyInstance): Promise<void> {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  for (const add of [cancelRoute, retryRoute, deleteRoute]) add(app);
}

function cancelRoute(app: TypedApp): void {
  app.post(
    '/:id/cancel',
    {
      schema: {
        operationId: 'cancelJob',
        tags: ['jobs'],
        summary: 'Cancel a job',
        description: 'Running engines stop within a second. Canceling again gives the same response.',
        params: JobParams,
        response: { 202: JobView, ...problems },
      },
    },
    async (request, reply) => {
      const { records } = app.services;
      const { id } = await findJob(records, callerOf(request), request.params.id);
      const outcome = await cancelJob(records, id);
      if (outcome === 'succeeded' || outcome === 'failed') throw new JobEndedError(outcome);
      return reply.status(202).send(jobView(await findJob(records, callerOf(request), id)));
    },
  );
}

function retryRoute(app: TypedApp): void {
  app.post(
    '/:id/retry',
    {
      schema: {
        operationId: 'retryJob',
        tags: ['jobs'],
        summary: 'Retry a failed or canceled job',
        description: 'It continues from the frames that are committed.',
        params: JobParams,
        response: { 202: JobView, ...problems },
      },
    },
    async (request, reply) => {
      const { records, storage } = app.services;
      const job = await findJob(records, callerOf(request), request.params.id);
      const { id } = job;
      await requireInputs(storage, job);
      const outcome = await retryJob(records, id);
      if (outcome !== 'retried' && outcome !== 'absent') throw new JobNotRetriableError(outcome);
      await storage.delete([objectKeys.endedFile(id), objectKeys.deletedFile(id)]);
      return reply.status(202).send(jobView(await findJob(records, callerOf(request), id)));
    },
  );
}

/** @throws InputsGoneError at once, not after the work that can be done without them */
async function requireInputs(storage: ObjectStorage, { status, shrunk, portrait, speech }: JobRecord): Promise<void> {
  if (shrunk || (status !== 'failed' && status !== 'canceled')) return;
  const [portraitFound, speechFound] = await Promise.all([storage.head(portrait.key), storage.head(speech.key)]);
  const gone = [...(portraitFound ? [] : ['portrait']), ...(speechFound ? [] : ['speech'])];
  if (gone.length > 0) throw new InputsGoneError(gone);
}

/** The storage is told first: should the records be lost, the job does not come back. @throws JobNotEndedError */
async function deleteWithObjects({ records, storage }: Services, job: JobRecord): Promise<void> {
  if (!hasEnded(job.status)) throw new JobNotEndedError(job.status);
  const note = objectKeys.deletedFile(job.id);
  await storage.put(note, Buffer.from(JSON.stringify({ schema: 1, deletedAt: new Date().toISOString() })));
  const outcome = await deleteJob(records, job.id);
  if (outcome === 'deleted' || outcome === 'absent') return;
  // It was retried meanwhile, or its last attempt is still stopping.
  await storage.delete([note]);
  throw new JobNotEndedError(outcome);
}

function deleteRoute(app: TypedApp): void {
  app.delete(
    '/:id',
    {
      schema: {
        operationId: 'deleteJob',
        tags: ['jobs'],
        summary: 'Delete an ended job',
        description: 'The record is deleted immediately, the files by the next sweep of the storage.',
        params: JobParams,
        response: { 204: z.null().describe('Deleted'), ...problems },
      },
    },
    async (request, reply) => {
      const { records } = app.services;
      await deleteWithObjects(app.services, await findJob(records, callerOf(request), request.params.id));
      return reply.status(204).send(null);
    },
  );
}
