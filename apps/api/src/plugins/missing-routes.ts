import { FarmError } from '@farm/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import fastifyPlugin from 'fastify-plugin';
import { sendProblem } from './problems.js';

/** The paths of a route: `:name` is one segment, be it empty, and a `*` at the end any number of them. */
function patternOf(url: string): RegExp {
  const escaped = url.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replace(/\*$/, '.*').replaceAll(/:\w+/g, '[^/]*')}$`);
}

function routeNotFound(method: string, path: string): FarmError {
  const detail = `There is nothing at ${method} ${path}. /docs lists everything there is.`;
  return new FarmError('route-not-found', detail, { status: 404 });
}

function methodNotAllowed(method: string, path: string, allowedMethods: string[]): FarmError {
  const detail = `${path} does not answer to ${method}, but to ${allowedMethods.join(' and ')}. /docs says what they do.`;
  return new FarmError('method-not-allowed', detail, { status: 405, data: { allowedMethods } });
}

/** What no route takes: 405 with `Allow` where the path answers to other methods, else 404. Bodies are not looked at. */
export const missingRoutes = fastifyPlugin(async (app) => {
  const routes: { pattern: RegExp; methods: string[] }[] = [];
  app.addHook('onRoute', ({ url, method }) => {
    routes.push({ pattern: patternOf(url), methods: [method].flat() });
  });
  const methodsAt = (path: string) => {
    const methods = routes.filter(({ pattern }) => pattern.test(path)).flatMap((route) => route.methods);
    return [...new Set(methods)].sort();
  };
  const refuse = (request: FastifyRequest, reply: FastifyReply) => {
    const path = request.url.split('?')[0]!;
    const allowed = methodsAt(path.replace(/(?<=.)\/$/, '')); // routes are found with a slash at the end too
    // A route may say itself that there is nothing: /docs of a file that it does not have.
    if (allowed.length === 0 || allowed.includes(request.method))
      return sendProblem(routeNotFound(request.method, path), request, reply);
    reply.header('allow', allowed.join(', '));
    return sendProblem(methodNotAllowed(request.method, path, allowed), request, reply);
  };
  app.setNotFoundHandler(refuse);
  // Before the body is read: what it holds is no reason for another answer.
  app.addHook('onRequest', async (request, reply) => {
    if (request.is404) return refuse(request, reply);
  });
});
