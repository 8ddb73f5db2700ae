import type { Redis } from 'ioredis';
import { KEY_PREFIX } from '../redis/key-prefix.js';

/** What an administrator set for one owner; what is absent follows the farm's configuration. */
export interface OwnerLimits {
  requestsPerMinute?: number;
  unendedJobs?: number;
}

const KEY = `${KEY_PREFIX}owner-limits`;

export async function getOwnerLimits(redis: Redis, owner: string): Promise<OwnerLimits> {
  const row = await redis.hget(KEY, owner);
  return row === null ? {} : (JSON.parse(row) as OwnerLimits);
}

/** Replaces the owner's limits; with an empty object the farm's configuration applies again. */
export async function setOwnerLimits(redis: Redis, owner: string, limits: OwnerLimits): Promise<void> {
  if (Object.keys(limits).length === 0) await redis.hdel(KEY, owner);
  else await redis.hset(KEY, owner, JSON.stringify(limits));
}
