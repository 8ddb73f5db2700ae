import { FarmError } from '@farm/contracts';
import rateLimit from '@fastify/rate-limit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import fastifyPlugin from 'fastify-plugin';

const WINDOW_MS = 60_000;

declare module 'fastify' {
  interface FastifyInstance {
    /** Counts one refusal; throws a `TooManyRefusedKeysError` when the address has had too many this minute. */
    countRefusedKey(request: FastifyRequest, reply: FastifyReply): Promise<void>;
  }
}

class TooManyRefusedKeysError extends FarmError {
  constructor({ address, maximum, retrySeconds }: { address: string; maximum: number; retrySeconds: number }) {
    super(
      'rate-limited',
      `${address} sent more than ${maximum} requests in a minute without a key that may do what was asked ` +
        `(limit refusedKeysPerMinute). With such a key you can continue immediately, without one in ${retrySeconds} s.`,
      { data: { limit: 'refusedKeysPerMinute', maximum } },
    );
  }
}

/**
 * Counts refused keys by address (IPv6 by /64), for the 5000 addresses seen last, in the memory of this process: Redis is
 * not written to for anyone without a key. A valid key is never counted, whatever else its address sends.
 */
export const refusedKeys = fastifyPlugin(async (app) => {
  const maximum = app.services.configuration.limits.refusedKeysPerMinute;
  // In a scope of its own: the routes are limited by owner, in Redis.
  await app.register(async (scope) => {
    await scope.register(rateLimit, { global: false });
    const count = scope.createRateLimit({ max: maximum, timeWindow: WINDOW_MS });
    app.decorate('countRefusedKey', async (request: FastifyRequest, reply: FastifyReply) => {
      const refusals = await count(request);
      if (refusals.isAllowed || !refusals.isExceeded) return;
      reply.header('retry-after', refusals.ttlInSeconds);
      throw new TooManyRefusedKeysError({ address: request.ip, maximum, retrySeconds: refusals.ttlInSeconds });
    });
  });
});
