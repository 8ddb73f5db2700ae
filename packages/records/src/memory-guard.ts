import { FarmError } from '@farm/contracts';
import type { Redis } from 'ioredis';

/** New jobs are refused from here on; the rest is kept for commits, so that running jobs can end. */
const FULL_SHARE = 0.85;

/** Refuses new work with 503 when Redis is close to `maxmemory`; commits go on. */
export async function checkMemory(redis: Redis): Promise<void> {
  const info = await redis.info('memory');
  const used = Number(/^used_memory:(\d+)/m.exec(info)?.[1]);
  const limit = Number(/^maxmemory:(\d+)/m.exec(info)?.[1]);
  if (limit > 0 && used > FULL_SHARE * limit)
    throw new FarmError(
      'farm-full',
      `The farm's Redis uses ${Math.round(used / 2 ** 20)} of ${Math.round(limit / 2 ** 20)} MiB. Running jobs go on; ` +
        'send this job again when some have ended, or raise maxmemory.',
      { status: 503 },
    );
}
