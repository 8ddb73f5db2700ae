import type { Redis } from 'ioredis';
import type { Logger } from 'pino';

/** How long a process that was asked to stop waits for a Redis that is unavailable. */
const PATIENCE_MS = 3000;

/**
 * For a process that was asked to stop: from now on it ends with exit status 1 when Redis is unavailable. Nothing is lost:
 * its leases run out, and what it had not yet written is found by the sweeps.
 */
export function exitWithoutRedis(redis: Redis, log: Logger): void {
  setInterval(() => {
    if (redis.status === 'ready') return;
    log.warn('Redis is unavailable: stopping without waiting for it');
    process.exit(1);
  }, PATIENCE_MS);
}
