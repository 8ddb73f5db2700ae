import type { FastifyInstance } from 'fastify';

export async function rootRoute(app: FastifyInstance): Promise<void> {
  app.get('/', { config: { access: 'open' } }, () => ({
    name: 'avatar farm',
    what: 'Send a portrait, a speech recording and a prompt; get a video of that person speaking.',
    links: {
      documentation: '/docs',
      openapi: '/openapi.json',
      jobs: '/v1/jobs',
      workers: '/v1/workers',
      health: '/v1/health',
      ready: '/v1/ready',
      metrics: '/metrics',
    },
  }));
}
