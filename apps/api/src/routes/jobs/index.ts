import type { FastifyInstance } from 'fastify';
import { changeRoutes } from './change.js';
import { eventRoute } from './events.js';
import { fileRoutes } from './files.js';
import { listRoute } from './list.js';
import { logRoute } from './log.js';
import { showRoute } from './show.js';
import { submitRoute } from './submit.js';

export async function jobRoutes(app: FastifyInstance): Promise<void> {
  for (const route of [submitRoute, listRoute, showRoute, changeRoutes, eventRoute, fileRoutes, logRoute])
    await app.register(route);
}
