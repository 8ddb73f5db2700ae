import { createHash, randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import { ulid } from 'ulid';
import { KEY_PREFIX } from './redis.js';

export const roles = ['submit', 'operator', 'admin'] as const;
export type Role = (typeof roles)[number];

export interface KeyRecord {
  id: string;
  owner: string;
  role: Role;
  createdAt: number;
}

/** 256 random bits need no slow hash: nothing shorter than the key itself can be guessed. */
const hashOf = (secret: string) => createHash('sha256').update(secret).digest('hex');

/** Makes a bearer key. The secret is shown here once; Redis keeps its SHA-256. */
export async function createKey(
  redis: Redis,
  key: { owner: string; role: Role },
): Promise<{ secret: string; record: KeyRecord }> {
  const secret = `farm_${randomBytes(32).toString('base64url')}`;
  const record: KeyRecord = { id: ulid().toLowerCase(), owner: key.owner, role: key.role, createdAt: Date.now() };
  await redis
    .multi()
    .set(`${KEY_PREFIX}key:${hashOf(secret)}`, JSON.stringify(record))
    .hset(`${KEY_PREFIX}keys`, record.id, hashOf(secret))
    .exec();
  return { secret, record };
}

/** Whose key this is; undefined when it was never made or has been revoked. */
export async function findKey(redis: Redis, secret: string): Promise<KeyRecord | undefined> {
  const row = await redis.get(`${KEY_PREFIX}key:${hashOf(secret)}`);
  return row === null ? undefined : (JSON.parse(row) as KeyRecord);
}

/** Makes the farm's first key; undefined when there is one, whichever replica was first. */
export async function createFirstAdminKey(redis: Redis): Promise<string | undefined> {
  if ((await redis.setnx(`${KEY_PREFIX}first-key`, Date.now())) === 0) return undefined;
  return (await createKey(redis, { owner: 'admin', role: 'admin' })).secret;
}
