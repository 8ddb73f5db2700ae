import type { FastifyInstance } from 'fastify';
import { apiKeyRoutes } from './api-keys.js';
import { eventRoute } from './events.js';
import { healthRoutes } from './health.js';
import { hideUnversioned } from './hide-unversioned.js';
import { jobRoutes } from './jobs/index.js';
import { objectRoutes } from './objects.js';
import { ownerRoutes } from './owners.js';
import { planRoute } from './plan.js';
import { rootRoute } from './root.js';
import { storageSweepRoutes } from './storage-sweep.js';
import { uploadRoute } from './uploads.js';
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
  await app.register(eventRoute);
  await app.register(apiKeyRoutes, { prefix: '/keys' });
  await app.register(ownerRoutes, { prefix: '/owners' });
  await app.register(uploadRoute);
  if (app.services.configuration.signingSecret !== undefined) await app.register(objectRoutes);
  await app.register(jobRoutes, { prefix: '/jobs' });
  await app.register(planRoute);
  await app.register(storageSweepRoutes);
}
