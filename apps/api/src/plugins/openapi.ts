import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import fastifyPlugin from 'fastify-plugin';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import { z } from 'zod';

const description = `A farm that renders talking-avatar video: send a portrait, a speech recording and a prompt, get a video of that person speaking.

Every request with a lock needs \`Authorization: Bearer <key>\`. Errors are problem documents (RFC 9457) with a stable \`code\`.
Every path also answers without \`/v1\`.`;

declare module 'fastify' {
  interface FastifySchema {
    /** Bodies by media type, for the documentation of routes that check their body themselves. */
    requestContents?: Record<string, z.ZodType>;
  }
}

const withRequestContents: typeof jsonSchemaTransform = (document) => {
  const { requestContents, ...schema } = document.schema ?? {};
  const transformed = jsonSchemaTransform({ ...document, schema } as typeof document);
  if (requestContents === undefined) return transformed;
  const contents = Object.entries(requestContents).map(([mediaType, body]) => [
    mediaType,
    { schema: z.toJSONSchema(body, { io: 'input' }) },
  ]);
  return { ...transformed, schema: { ...transformed.schema, body: { content: Object.fromEntries(contents) } } };
};

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
    transform: withRequestContents,
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
