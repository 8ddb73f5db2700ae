import type { FastifyInstance } from 'fastify';

/** Keeps the paths without `/v1` out of the OpenAPI document: they repeat the others. */
export function hideUnversioned(app: FastifyInstance): void {
  app.addHook('onRoute', (route) => {
    route.schema = { ...route.schema, hide: true };
  });
}
