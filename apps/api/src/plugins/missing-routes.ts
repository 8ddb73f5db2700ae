import { FarmError } from '@farm/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import fastifyPlugin from 'fastify-plugin';
import { sendProblem } from '../problems/send-problem.js';

/** The paths of a route: `:name` is one segment, even an empty one, and a `*` at the end any number of them. */
function patternOf(url: string): RegExp {
  const escaped = url.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replace(/\*$/, '.*').replaceAll(/:\w+/g, '[^/]*')}$`);
}

class RouteNotFoundError extends FarmError {
  constructor(method: string, path: string) {
    super('route-not-found', `There is nothing at ${method} ${path}. /docs lists every route.`);
  }
}

class MethodNotAllowedError extends FarmError {
  constructor(method: string, path: string, allowedMethods: string[]) {
    super(
      'method-not-allowed',
      `${path} does not accept ${method}, only ${allowedMethods.join(' and ')}. /docs says what they do.`,
      { data: { allowedMethods } },
    );
  }
}

/** Requests without a route: 405 with `Allow` where the path has other methods, else 404. Bodies are not looked at. */
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
    const allowed = methodsAt(path.replace(/(?<=.)\/$/, '')); // Routes are found with a slash at the end too.
    // A route may find nothing itself, as /docs does for a file that it does not have.
    if (allowed.length === 0 || allowed.includes(request.method))
      return sendProblem(new RouteNotFoundError(request.method, path), request, reply);
    reply.header('allow', allowed.join(', '));
    return sendProblem(new MethodNotAllowedError(request.method, path, allowed), request, reply);
  };
  app.setNotFoundHandler(refuse);
  // Before the body is read: its contents do not change the response.
  app.addHook('onRequest', async (request, reply) => {
    if (request.is404) return refuse(request, reply);
  });
});
