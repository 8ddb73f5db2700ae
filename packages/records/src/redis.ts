import { FarmError } from '@farm/contracts';
import { Redis } from 'ioredis';

/** Every key of the farm begins with this hash tag, so that a Redis Cluster keeps the farm in one slot. */
export const KEY_PREFIX = '{farm}:';

export interface RedisOptions {
  /** `patient` commands wait while Redis is away (workers, scheduler); `prompt` ones fail after `timeoutMs` (API). */
  manner: 'patient' | 'prompt';
  timeoutMs?: number;
  name?: string;
  /** Told once an outage, with a sentence for people: patient commands wait without a word. */
  onAway?: (message: string) => void;
  onBack?: () => void;
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
  let isAway = false;
  // Without a listener ioredis prints each failed reconnection.
  redis.on('error', (error) => {
    if (isAway) return;
    isAway = true;
    options.onAway?.(
      `Redis at ${new URL(url).host} does not serve this process (${error.message}); it is tried until it does. ` +
        'Check that it runs, and REDIS_URL with its password.',
    );
  });
  redis.on('ready', () => {
    if (isAway) options.onBack?.();
    isAway = false;
  });
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

/** How long a process that was told to leave waits for a Redis that is away. */
const LEAVING_PATIENCE_MS = 3000;

/** For a process that was told to leave: from now on it ends with exit status 1, after `onExit`, when Redis is away. */
export function exitWithoutRedis(redis: Redis, onExit: () => void): void {
  setInterval(() => {
    if (redis.status === 'ready') return;
    onExit();
    process.exit(1);
  }, LEAVING_PATIENCE_MS);
}
