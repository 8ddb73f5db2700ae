import { type ErrorCode, FarmError, JobParams, JobView } from '@farm/contracts';
import { cancelJob, deleteJob, retryJob } from '@farm/records';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { callerOf } from '../../plugins/authentication.js';
import { jobView } from '../../views/job-view.js';
import { commonProblems, problemResponses } from '../problem-responses.js';
import { findJob } from './find-job.js';

const problems = problemResponses([...commonProblems, 404, 409]);

function conflict(code: ErrorCode, sentence: string, status: string): FarmError {
  return new FarmError(code, sentence, { status: 409, data: { jobStatus: status } });
}

export async function changeRoutes(plain: FastifyInstance): Promise<void> {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  const { records } = app.services;

  app.post(
    '/:id/cancel',
    {
      schema: {
        operationId: 'cancelJob',
        tags: ['jobs'],
        summary: 'Cancel a job',
        description: 'Running engines stop within a second. Canceling again gives the same answer.',
        params: JobParams,
        response: { 202: JobView, ...problems },
      },
    },
    async (request, reply) => {
      const { id } = await findJob(records, callerOf(request), request.params.id);
      const outcome = await cancelJob(records, id);
      if (outcome === 'succeeded' || outcome === 'failed')
        throw conflict('job-ended', `The job has ${outcome}; there is nothing to cancel.`, outcome);
      return reply.status(202).send(jobView(await findJob(records, callerOf(request), id)));
    },
  );

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
      const { id } = await findJob(records, callerOf(request), request.params.id);
      const outcome = await retryJob(records, id);
      if (outcome !== 'retried' && outcome !== 'absent') throw conflict('job-not-retriable', whyNot(outcome), outcome);
      return reply.status(202).send(jobView(await findJob(records, callerOf(request), id)));
    },
  );

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
      const { id } = await findJob(records, callerOf(request), request.params.id);
      const outcome = await deleteJob(records, id);
      if (outcome !== 'deleted' && outcome !== 'absent')
        throw conflict('job-not-ended', `The job is ${outcome}. Cancel it, and delete it when it has ended.`, outcome);
      return reply.status(204).send(null);
    },
  );
}

function whyNot(outcome: string): string {
  if (outcome === 'stopping') return 'Its workers are still stopping; try again in a second.';
  if (outcome === 'shrunk') return 'It ended too long ago to go on; submit it again.';
  return `The job is ${outcome}; only failed and canceled jobs can be retried.`;
}
