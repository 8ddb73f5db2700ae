import type { RedisQueueBackend } from 'bullmq';
import type { Redis } from 'ioredis';

/** Milliseconds by the clock of Redis, the only one that all parts of the farm share. */
export async function redisTime(redis: Redis): Promise<number> {
  const [seconds, microseconds] = await redis.time();
  return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000);
}

/** How many keys come before the timestamp among the arguments of the scripts that delay a job or end its delay. */
const KEYS_OF_SCRIPT: Readonly<Record<string, number>> = { moveToActive: 11, moveToDelayed: 11 };

/**
 * BullMQ delays jobs, and ends their delay, by the clock of the machine that it runs on: one that is an hour ahead hides a
 * job for an hour. Here its scripts get the time of Redis instead.
 */
export function useRedisTime(backend: RedisQueueBackend, redis: Redis): void {
  const execCommand = backend.execCommand.bind(backend);
  backend.execCommand = (client, name, args) => {
    const keyCount = KEYS_OF_SCRIPT[name];
    if (keyCount === undefined) return execCommand(client, name, args);
    // After the keys come the prefix and the timestamp.
    const withTime = (now: number) => [...args.slice(0, keyCount + 1), now, ...args.slice(keyCount + 2)];
    return redisTime(redis).then((now) => execCommand(client, name, withTime(now)));
  };
}
