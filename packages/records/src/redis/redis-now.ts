import type { Reader } from './read-hash.js';

/** Milliseconds since 1970 by the clock of Redis, the only one that counts. */
export async function redisNow({ redis }: Reader): Promise<number> {
  const [seconds, microseconds] = await redis.time();
  return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000);
}
