import type { Redis } from 'ioredis';
import { Script } from '../redis/script.js';

const script = new Script({
  name: 'revokeApiKey',
  arguments: { keyId: 'text', lastAdmin: 'text' },
  once: true,
  body: `
-- Keys: keys (ids with hashes), key:<hash> of this one and, for an admin key, of all others
local function is_lasting_admin(row)
  local key = row and cjson.decode(row)
  return key and key.role == 'admin' and not key.expiresAt
end
local hash = redis.call('HGET', P .. 'keys', key_id)
local row = hash and redis.call('GET', P .. 'key:' .. hash)
if not row then return 'absent' end
if last_admin == 'keep' and is_lasting_admin(row) then
  local others = false
  for _, other in ipairs(redis.call('HVALS', P .. 'keys')) do
    others = others or (other ~= hash and is_lasting_admin(redis.call('GET', P .. 'key:' .. other)))
  end
  if not others then return 'last-admin' end
end
redis.call('DEL', P .. 'key:' .. hash)
redis.call('HDEL', P .. 'keys', key_id)
return 'revoked'
`,
});

/** The key ends immediately, everywhere; unless it is the last admin key that does not expire by itself. */
export async function revokeApiKey(
  redis: Redis,
  keyId: string,
  { lastAdmin = 'keep' }: { lastAdmin?: 'keep' | 'revoke' } = {},
): Promise<'revoked' | 'absent' | 'last-admin'> {
  return (await script.run(redis, { keyId, lastAdmin })) as 'revoked' | 'absent' | 'last-admin';
}
