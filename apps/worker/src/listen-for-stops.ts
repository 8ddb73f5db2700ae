import { KEY_PREFIX } from '@farm/records';
import type { Redis } from 'ioredis';

/** Attempts to stop arrive immediately over pub/sub; the heartbeat's reply is the safety net. Returns how to end it. */
export async function listenForStops(redis: Redis, onStop: (attemptId: string) => void): Promise<() => void> {
  const listener = redis.duplicate({ socketTimeout: undefined });
  listener.on('error', () => {});
  listener.on('message', (_channel, attemptId: string) => onStop(attemptId));
  await listener.subscribe(`${KEY_PREFIX}stop`);
  return () => listener.disconnect();
}
