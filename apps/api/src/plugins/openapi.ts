import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import fastifyPlugin from 'fastify-plugin';
import type { Configuration } from '../configuration.js';
import { transform, transformObject } from '../openapi/transform.js';

const description = `A farm that renders talking-avatar video: send a portrait, a speech recording and a prompt, and get a video of that person speaking.

Every request with a lock needs \`Authorization: Bearer <key>\`. Errors are problem documents (RFC 9457) with a stable \`code\`.
Every path also works without \`/v1\`.`;

const tags = [
  { name: 'jobs', description: 'Videos: submit, watch, download' },
  { name: 'uploads', description: 'Large files, sent before the job' },
  { name: 'farm', description: 'Workers, health and events' },
  { name: 'keys', description: 'API keys, and the limits of their owners' },
];

/** Where the document came from, and the public URL if one is configured. */
function serversOf({ publicUrl, host, port }: Configuration) {
  const isConfigured = publicUrl !== `http://${host}:${port}`;
  return [{ url: '/' }, ...(isConfigured ? [{ url: publicUrl, description: 'The public URL of the farm' }] : [])];
}

/** `/openapi.json` and `/docs`, both made from the schemas that check the requests. */
export const openapi = fastifyPlugin(async (app) => {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Avatar farm', version: '1.0.0', description },
      servers: serversOf(app.services.configuration),
      components: { securitySchemes: { key: { type: 'http', scheme: 'bearer', description: 'An API key' } } },
      security: [{ key: [] }],
      tags,
    },
    stripBasePath: false,
    transform,
    transformObject,
  });
  await app.register(async (docs) => {
    docs.addHook('onRoute', (route) => {
      route.config = { ...route.config, access: 'open' };
    });
    await docs.register(swaggerUi, {
      routePrefix: '/docs',
      uiConfig: { docExpansion: 'list', persistAuthorization: true },
      theme: {
        title: 'Avatar farm API',
        // The bar carries another project's logo and a field for other documents.
        css: [{ filename: 'farm.css', content: '.swagger-ui .topbar { display: none }' }],
      },
    });
  });
  app.get('/openapi.json', { schema: { hide: true }, config: { access: 'open' } }, () => app.swagger());
});
