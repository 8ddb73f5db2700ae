import type { Redis } from 'ioredis';
import { API_KEY_INDEX, type ApiKeyRecord, apiKeyOfHash, type NewApiKey } from './api-key-record.js';
import { createApiKey } from './create-api-key.js';
import { revokeApiKey } from './revoke-api-key.js';

/** Makes a key for the same owner and role; the old one works for `graceSeconds` more, so that programs can change over. */
export async function rotateApiKey(redis: Redis, keyId: string, graceSeconds: number): Promise<NewApiKey | undefined> {
  const hash = await redis.hget(API_KEY_INDEX, keyId);
  const row = hash === null ? null : await redis.get(apiKeyOfHash(hash));
  if (hash === null || row === null) return undefined;
  const old = JSON.parse(row) as ApiKeyRecord;
  const created = await createApiKey(redis, old);
  if (graceSeconds === 0) {
    await revokeApiKey(redis, keyId);
    return created;
  }
  const ending: ApiKeyRecord = { ...old, expiresAt: Date.now() + graceSeconds * 1000 };
  await redis.set(apiKeyOfHash(hash), JSON.stringify(ending), 'EX', graceSeconds, 'XX');
  return created;
}
