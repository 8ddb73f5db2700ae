import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import fastifyPlugin from 'fastify-plugin';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';

const description = `A farm that renders talking-avatar video: send a portrait, a speech recording and a prompt, get a video of that person speaking.

Every request but the few marked so needs \`Authorization: Bearer <key>\`. Errors are problem documents (RFC 9457) with a stable \`code\`.
Every path also answers without \`/v1\`.`;

/** `/openapi.json` and `/docs`, both made from the schemas that check the requests. */
export const openapi = fastifyPlugin(async (app) => {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Avatar farm', version: '1.0.0', description },
      components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } },
      security: [{ key: [] }],
      tags: [
        { name: 'jobs', description: 'Videos: submit, watch, fetch' },
        { name: 'uploads', description: 'Large files, sent before the job' },
        { name: 'farm', description: 'Workers, health, metrics' },
        { name: 'keys', description: 'Who may use the farm' },
      ],
    },
    transform: jsonSchemaTransform,
  });
  await app.register(async (docs) => {
    docs.addHook('onRoute', (route) => {
      route.config = { ...route.config, access: 'open', rateLimit: false };
    });
    await docs.register(swaggerUi, {
      routePrefix: '/docs',
      uiConfig: { docExpansion: 'list', persistAuthorization: true },
      theme: { title: 'Avatar farm API' },
    });
  });
  app.get('/openapi.json', { schema: { hide: true }, config: { access: 'open', rateLimit: false } }, () =>
    app.swagger(),
  );
});
