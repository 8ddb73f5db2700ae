import { KEY_PREFIX } from '../redis/key-prefix.js';
import type { Reader } from '../redis/read-hash.js';
import { redisNow } from '../redis/redis-now.js';

/** How far the check of every finished video has come. */
export interface VideoCheckRound {
  /** By the clock of Redis, in milliseconds. */
  startedAt: number;
  /** Where `listJobs` continues; absent before the first page and after the last. */
  cursor?: string;
  isComplete: boolean;
}

const key = `${KEY_PREFIX}video-check-round`;

/** The round under way, or a new one when the last began `intervalMs` ago; undefined: nothing is due. */
export async function dueVideoCheckRound(context: Reader, intervalMs: number): Promise<VideoCheckRound | undefined> {
  const now = await redisNow(context);
  const { startedAt, cursor, complete } = await context.redis.hgetall(key);
  if (startedAt !== undefined && complete !== '1')
    return { startedAt: Number(startedAt), isComplete: false, ...(cursor && { cursor }) };
  if (startedAt !== undefined && Number(startedAt) + intervalMs > now) return undefined;
  return { startedAt: now, isComplete: false };
}

export async function saveVideoCheckRound(context: Reader, round: VideoCheckRound): Promise<void> {
  const { startedAt, cursor, isComplete } = round;
  await context.redis.hset(key, { startedAt, cursor: cursor ?? '', complete: isComplete ? 1 : 0 });
}
