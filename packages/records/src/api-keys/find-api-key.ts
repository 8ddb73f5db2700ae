import type { Redis } from 'ioredis';
import { type ApiKeyRecord, apiKeyOfHash, hashOfSecret } from './api-key-record.js';

/** Whose key this is; undefined when it was never made or has been revoked. */
export async function findApiKey(redis: Redis, secret: string): Promise<ApiKeyRecord | undefined> {
  const row = await redis.get(apiKeyOfHash(hashOfSecret(secret)));
  return row === null ? undefined : (JSON.parse(row) as ApiKeyRecord);
}
