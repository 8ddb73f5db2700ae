import type { Redis } from 'ioredis';

/** A slower answer says too little about when Redis looked at its clock. */
const LONGEST_ROUND_TRIP_MS = 500;

/** By how many milliseconds this machine's clock is ahead of Redis's; undefined when it could not be measured now. */
export async function measureClockSkew(redis: Redis): Promise<number | undefined> {
  const sentAt = Date.now();
  const started = performance.now();
  const [seconds, microseconds] = await redis.time();
  const roundTripMs = performance.now() - started;
  if (roundTripMs > LONGEST_ROUND_TRIP_MS) return undefined;
  return Math.round(sentAt + roundTripMs / 2 - Number(seconds) * 1000 - Number(microseconds) / 1000);
}
