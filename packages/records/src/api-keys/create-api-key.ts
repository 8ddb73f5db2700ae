import { randomBytes } from 'node:crypto';
import type { Role } from '@farm/contracts';
import type { Redis } from 'ioredis';
import { ulid } from 'ulid';
import { API_KEY_INDEX, type ApiKeyRecord, apiKeyOfHash, hashOfSecret, type NewApiKey } from './api-key-record.js';

/** Makes a bearer key. The secret is shown here once; Redis keeps its SHA-256. */
export async function createApiKey(redis: Redis, { owner, role }: { owner: string; role: Role }): Promise<NewApiKey> {
  const secret = `farm_${randomBytes(32).toString('base64url')}`;
  const hash = hashOfSecret(secret);
  const record: ApiKeyRecord = { id: ulid().toLowerCase(), owner, role, createdAt: Date.now() };
  await redis.multi().set(apiKeyOfHash(hash), JSON.stringify(record)).hset(API_KEY_INDEX, record.id, hash).exec();
  return { secret, record };
}
