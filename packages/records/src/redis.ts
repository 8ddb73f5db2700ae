import { FarmError } from '@farm/contracts';
import { Redis } from 'ioredis';

/** Every key of the farm begins with this hash tag, so that a Redis Cluster keeps the farm in one slot. */
export const KEY_PREFIX = '{farm}:';

export interface RedisOptions {
  /** `patient` commands wait while Redis is away (workers, scheduler); `prompt` ones fail after `timeoutMs` (API). */
  manner: 'patient' | 'prompt';
  timeoutMs?: number;
  name?: string;
}

/**
 * Connects to `redis://` or `rediss://`. `socketTimeout` lies above every blocking command's own time limit, so a
 * silently cut connection is noticed within half a minute.
 */
export function connectRedis(url: string, options: RedisOptions): Redis {
  if (!/^rediss?:\/\//.test(url))
    throw new FarmError('bad-redis-url', `REDIS_URL is ${JSON.stringify(url)}; write it as redis://host:port.`);
  const redis = new Redis(url, {
    lazyConnect: false,
    connectionName: options.name ?? 'farm',
    enableReadyCheck: true,
    socketTimeout: 15_000,
    retryStrategy: (times) => Math.min(100 * times, 1000),
    ...(options.manner === 'patient'
      ? { maxRetriesPerRequest: null }
      : { maxRetriesPerRequest: 1, commandTimeout: options.timeoutMs ?? 5000, enableOfflineQueue: true }),
  });
  // Without a listener ioredis prints each failed reconnection; callers see failures through their commands.
  redis.on('error', () => {});
  return redis;
}

export function isRedisAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return (
    error.name === 'MaxRetriesPerRequestError' ||
    /Command timed out|Connection is closed|ECONNREFUSED|ECONNRESET|EPIPE|Socket timeout|LOADING|MASTERDOWN|READONLY/.test(
      error.message,
    )
  );
}
