import { FarmError } from '@farm/contracts';
import { getOwnerLimits, KEY_PREFIX } from '@farm/records';
import rateLimit from '@fastify/rate-limit';
import fastifyPlugin from 'fastify-plugin';
import { callerOf } from './authentication.js';

class TooManyRequestsError extends FarmError {
  constructor({ owner, maximum, retrySeconds }: { owner: string; maximum: number; retrySeconds: number }) {
    super(
      'rate-limited',
      `${owner} sent more than ${maximum} requests in a minute (limit requestsPerMinute). ` +
        `Continue in ${retrySeconds} s.`,
      { data: { limit: 'requestsPerMinute', maximum } },
    );
  }
}

/** Requests per minute and owner, counted in Redis for all replicas together. */
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
    // An unavailable Redis has its own response.
    skipOnError: true,
    errorResponseBuilder: (request, { max, ttl }) =>
      new TooManyRequestsError({
        owner: callerOf(request).owner,
        maximum: max,
        retrySeconds: Math.ceil(ttl / 1000),
      }),
  });
});
