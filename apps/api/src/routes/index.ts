import type { FastifyInstance } from 'fastify';
import { healthRoutes } from './health.js';
import { hideUnversioned } from './hide-unversioned.js';
import { jobRoutes } from './jobs/index.js';
import { rootRoute } from './root.js';
import { workerRoutes } from './workers.js';

export interface RoutesOptions {
  /** The second registration: the same paths without `/v1`, left out of the documentation. */
  unversioned?: boolean;
}

export async function routes(app: FastifyInstance, options: RoutesOptions): Promise<void> {
  if (options.unversioned) {
    hideUnversioned(app);
    await app.register(rootRoute);
  }
  await app.register(healthRoutes);
  await app.register(workerRoutes);
  await app.register(jobRoutes, { prefix: '/jobs' });
}
