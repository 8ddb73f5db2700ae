import { FarmError } from '@farm/contracts';
import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

const WINDOW_MS = 60_000;

/**
 * Counts refused keys by address (IPv6 by /64), for the 5000 addresses seen last, in the memory of this process: Redis is
 * not written to for anyone without a key. A valid key is never counted, whatever else its address sends.
 *
 * @returns counts one refusal; throws FarmError `rate-limited` when the address has had too many this minute
 */
export async function refusedKeyCounter(
  app: FastifyInstance,
): Promise<(request: FastifyRequest, reply: FastifyReply) => Promise<void>> {
  const max = app.services.configuration.limits.refusedKeysPerMinute;
  let count: ReturnType<FastifyInstance['createRateLimit']>;
  // In a scope of its own: the routes are limited by owner, in Redis.
  await app.register(async (scope) => {
    await scope.register(rateLimit, { global: false });
    count = scope.createRateLimit({ max, timeWindow: WINDOW_MS });
  });
  return async (request, reply) => {
    const refusals = await count(request);
    if (refusals.isAllowed || !refusals.isExceeded) return;
    const detail =
      `${request.ip} sent more than ${max} requests in a minute without a key that may do what was asked ` +
      `(limit refusedKeysPerMinute). With such a key go on at once, without one in ${refusals.ttlInSeconds} s.`;
    reply.header('retry-after', refusals.ttlInSeconds);
    throw new FarmError('rate-limited', detail, {
      status: 429,
      data: { limit: 'refusedKeysPerMinute', maximum: max },
    });
  };
}
