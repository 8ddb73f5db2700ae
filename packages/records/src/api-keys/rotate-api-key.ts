import type { Redis } from 'ioredis';
import { Script } from '../redis/script.js';
import type { ApiKeyRecord, NewApiKey } from './api-key-record.js';
import { newSecret } from './create-api-key.js';

const script = new Script({
  name: 'rotateApiKey',
  arguments: { keyId: 'text', graceSeconds: 'number', newKeyId: 'text', newHash: 'text' },
  once: true,
  body: `
-- Keys: keys (ids with hashes), key:<hash> of the old one and of the new one
local hash = redis.call('HGET', P .. 'keys', key_id)
local row = hash and redis.call('GET', P .. 'key:' .. hash)
if not row then return nil end
local old = cjson.decode(row)
local record = cjson.encode({id = new_key_id, owner = old.owner, role = old.role, createdAt = now})
redis.call('SET', P .. 'key:' .. new_hash, record)
redis.call('HSET', P .. 'keys', new_key_id, new_hash)
if grace_seconds > 0 then
  old.expiresAt = now + grace_seconds * 1000
  redis.call('SET', P .. 'key:' .. hash, cjson.encode(old), 'EX', grace_seconds)
else
  redis.call('DEL', P .. 'key:' .. hash)
  redis.call('HDEL', P .. 'keys', key_id)
end
return record
`,
});

/** Makes a key for the same owner and role; the old one works for `graceSeconds` more, so that programs can change over. */
export async function rotateApiKey(redis: Redis, keyId: string, graceSeconds: number): Promise<NewApiKey | undefined> {
  const { keyId: newKeyId, secret, hash: newHash } = newSecret();
  const record = await script.run(redis, { keyId, graceSeconds, newKeyId, newHash });
  return record === null ? undefined : { secret, record: JSON.parse(record as string) as ApiKeyRecord };
}
