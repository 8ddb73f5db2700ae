import type { Redis } from 'ioredis';
import { API_KEY_INDEX, type ApiKeyRecord, apiKeyOfHash } from './api-key-record.js';

/** Every key there is, oldest first; of one owner when named. Secrets cannot be shown again. */
export async function listApiKeys(redis: Redis, owner?: string): Promise<ApiKeyRecord[]> {
  const index = Object.entries(await redis.hgetall(API_KEY_INDEX));
  const rows = index.length > 0 ? await redis.mget(index.map(([, hash]) => apiKeyOfHash(hash))) : [];
  // Rotated keys expire by themselves; their entry in the index stays until somebody lists.
  const expired = index.filter((_entry, position) => rows[position] === null).map(([id]) => id);
  if (expired.length > 0) await redis.hdel(API_KEY_INDEX, ...expired);
  const keys = rows.filter((row) => row !== null).map((row) => JSON.parse(row) as ApiKeyRecord);
  return keys.filter((key) => !owner || key.owner === owner).sort((a, b) => (a.id < b.id ? -1 : 1));
}
