import { json } from 'node:stream/consumers';
import { JobDetail, JobParams, Manifest, type TaskView } from '@farm/contracts';
import type { JobRecord } from '@farm/records';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { callerOf } from '../../plugins/authentication.js';
import type { Services } from '../../services.js';
import { jobDetail } from '../../views/job-view.js';
import { tasksOfManifest, taskView } from '../../views/task-view.js';
import { commonProblems, problemResponses } from '../problem-responses.js';
import { findJob } from './find-job.js';
import { readTasks } from './read-tasks.js';

export async function showRoute(plain: FastifyInstance): Promise<void> {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  app.get(
    '/:id',
    {
      schema: {
        operationId: 'getJob',
        tags: ['jobs'],
        summary: 'Show a job with its progress, tasks and attempts',
        params: JobParams,
        response: { 200: JobDetail, ...problemResponses([...commonProblems, 404]) },
      },
    },
    async (request) => {
      const { services } = app;
      const job = await findJob(services.records, callerOf(request), request.params.id);
      if (job.shrunk) return jobDetail(job, { tasks: await tasksFromManifest(services, job), running: [] });
      const { tasks, ...now } = await readTasks(services.records, job);
      return jobDetail(job, { tasks: tasks.map(taskView), ...now });
    },
  );
}

async function tasksFromManifest({ storage }: Services, job: JobRecord): Promise<TaskView[]> {
  const object = job.video ? await storage.get(job.video.manifestKey) : undefined;
  if (object === undefined) return [];
  return tasksOfManifest(Manifest.parse(await json(object.stream)), job.vramClass);
}
