import { randomBytes } from 'node:crypto';
import type { Role } from '@farm/contracts';
import type { Redis } from 'ioredis';
import { ulid } from 'ulid';
import { Script } from '../redis/script.js';
import { type ApiKeyRecord, hashOfSecret, type NewApiKey } from './api-key-record.js';

const script = new Script({
  name: 'createApiKey',
  arguments: { keyId: 'text', hash: 'text', owner: 'text', role: 'text' },
  body: `
-- Keys: keys (ids with hashes), key:<hash> of the new one
local record = cjson.encode({id = key_id, owner = owner, role = role, createdAt = now})
redis.call('SET', P .. 'key:' .. hash, record, 'NX')
redis.call('HSET', P .. 'keys', key_id, hash)
return redis.call('GET', P .. 'key:' .. hash)
`,
});

/** Makes a bearer key. The secret is shown here once; Redis keeps its SHA-256. */
export async function createApiKey(redis: Redis, { owner, role }: { owner: string; role: Role }): Promise<NewApiKey> {
  const { keyId, secret, hash } = newSecret();
  const record = await script.run(redis, { keyId, hash, owner, role });
  return { secret, record: JSON.parse(record as string) as ApiKeyRecord };
}

export function newSecret(): { keyId: string; secret: string; hash: string } {
  const secret = `farm_${randomBytes(32).toString('base64url')}`;
  return { keyId: ulid().toLowerCase(), secret, hash: hashOfSecret(secret) };
}
