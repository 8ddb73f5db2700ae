import { FarmError } from '@farm/contracts';
import { getOwnerLimits, KEY_PREFIX } from '@farm/records';
import rateLimit from '@fastify/rate-limit';
import fastifyPlugin from 'fastify-plugin';
import { callerOf } from './authentication.js';

/** Requests a minute per owner, counted in Redis for all replicas together. */
export const rateLimits = fastifyPlugin(async (app) => {
  const { configuration, records } = app.services;
  await app.register(rateLimit, {
    redis: records.redis,
    nameSpace: `${KEY_PREFIX}requests:`,
    // After authentication, before the body is read.
    hook: 'preParsing',
    timeWindow: 60_000,
    max: async (request) => {
      const own = await getOwnerLimits(records.redis, callerOf(request).owner);
      return own.requestsPerMinute ?? configuration.limits.requestsPerMinute;
    },
    // Open routes have no caller: strangers make Redis write nothing.
    allowList: (request) => request.caller === null,
    keyGenerator: (request) => `owner:${request.caller?.owner}`,
    // Redis being away has its own answer.
    skipOnError: true,
    errorResponseBuilder: (request, { max, ttl }) =>
      new FarmError(
        'rate-limited',
        `${callerOf(request).owner} sent more than ${max} requests in a minute (limit requestsPerMinute). ` +
          `Go on in ${Math.ceil(ttl / 1000)} s.`,
        { status: 429, data: { limit: 'requestsPerMinute', maximum: max } },
      ),
  });
});
