import { Redis } from 'ioredis';
import { BadRedisUrlError } from './errors.js';

export interface RedisOptions {
  /** `patient` commands wait while Redis is unavailable (workers, scheduler); `prompt` ones fail after `timeoutMs` (API). */
  manner: 'patient' | 'prompt';
  timeoutMs?: number;
  name?: string;
  /** Called once per outage, with a sentence for the log: patient commands wait silently. */
  onUnavailable?: (message: string) => void;
  onBack?: () => void;
}

/**
 * Connects to `redis://` or `rediss://`. `socketTimeout` is longer than every blocking command's own time limit, so a
 * silently cut connection is noticed within half a minute. @throws BadRedisUrlError
 */
export function connectRedis(url: string, options: RedisOptions): Redis {
  if (!/^rediss?:\/\//.test(url)) throw new BadRedisUrlError(url);
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
  let isUnavailable = false;
  // Without a listener ioredis prints each failed reconnection.
  redis.on('error', (error) => {
    if (isUnavailable) return;
    isUnavailable = true;
    options.onUnavailable?.(
      `Redis at ${new URL(url).host} is unavailable (${error.message}); this process tries again until it is back. ` +
        'Check that Redis is running, and REDIS_URL with its password.',
    );
  });
  redis.on('ready', () => {
    if (isUnavailable) options.onBack?.();
    isUnavailable = false;
  });
  return redis;
}
