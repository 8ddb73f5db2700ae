import type { Redis } from 'ioredis';
import { FarmFullError } from './errors.js';

/** New jobs are refused from here on; the rest is kept for commits, so that running jobs can end. */
const FULL_SHARE = 0.85;

/** Refuses new work when Redis is close to `maxmemory`; commits continue. @throws FarmFullError */
export async function checkMemory(redis: Redis): Promise<void> {
  const info = await redis.info('memory');
  const bytes = Number(/^used_memory:(\d+)/m.exec(info)?.[1]);
  const maximumBytes = Number(/^maxmemory:(\d+)/m.exec(info)?.[1]);
  if (maximumBytes > 0 && bytes > FULL_SHARE * maximumBytes) throw new FarmFullError({ bytes, maximumBytes });
}
