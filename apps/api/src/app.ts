import multipart from '@fastify/multipart';
import Fastify, { type FastifyInstance, LogController } from 'fastify';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Logger } from 'pino';
import { ulid } from 'ulid';
import { authentication } from './plugins/authentication.js';
import { bodyGuards } from './plugins/body-guards.js';
import { drain } from './plugins/drain.js';
import { metrics } from './plugins/metrics.js';
import { missingRoutes } from './plugins/missing-routes.js';
import { openapi } from './plugins/openapi.js';
import { problems } from './plugins/problems.js';
import { rateLimits } from './plugins/rate-limits.js';
import { refusedKeys } from './plugins/refused-keys.js';
import { answerMalformed } from './problems/malformed-requests.js';
import { sendProblem } from './problems/send-problem.js';
import { routes } from './routes/index.js';
import type { Services } from './services.js';

const JSON_BYTES = 256 * 1024;

/** The farm's HTTP interface. Closing the services, after the app, is left to the caller. */
export async function buildApp(services: Services, logger: Logger): Promise<FastifyInstance> {
  const app = Fastify({
    loggerInstance: logger as never,
    genReqId: () => ulid().toLowerCase(),
    bodyLimit: JSON_BYTES,
    trustProxy: services.configuration.trustProxy,
    // Metrics count requests; the log keeps what failed.
    logController: new LogController({ disableRequestLogging: true }),
    routerOptions: { maxParamLength: 1024, ignoreTrailingSlash: true },
    forceCloseConnections: 'idle',
    clientErrorHandler: answerMalformed,
    // Paths that the router refuses; everything after it has `setErrorHandler`.
    frameworkErrors: (error, request, reply) => sendProblem(error, request, reply),
  }).withTypeProvider<ZodTypeProvider>();
  app.decorate('services', services);
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  await app.register(drain);
  await app.register(problems);
  await app.register(missingRoutes);
  await app.register(refusedKeys);
  await app.register(authentication);
  await app.register(rateLimits);
  await app.register(metrics);
  await app.register(openapi);
  await app.register(bodyGuards);
  await app.register(multipart, {
    limits: { fieldNameSize: 100, fieldSize: JSON_BYTES, fields: 4, files: 4, parts: 6, headerPairs: 32 },
    throwFileSizeLimit: false,
  });
  await app.register(routes, { prefix: '/v1' });
  await app.register(routes, { prefix: '/', unversioned: true });
  return app as unknown as FastifyInstance;
}
