import { createHash, randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import { ulid } from 'ulid';
import { KEY_PREFIX } from './redis.js';
import { Script } from './script.js';

export const roles = ['submit', 'operator', 'admin'] as const;
export type Role = (typeof roles)[number];

export interface KeyRecord {
  id: string;
  owner: string;
  role: Role;
  createdAt: number;
  /** When a key that was rotated ends. */
  expiresAt?: number;
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

/** Every key there is, oldest first; of one owner when named. Secrets cannot be shown again. */
export async function listKeys(redis: Redis, owner?: string): Promise<KeyRecord[]> {
  const index = Object.entries(await redis.hgetall(`${KEY_PREFIX}keys`));
  const rows = index.length > 0 ? await redis.mget(index.map(([, hash]) => `${KEY_PREFIX}key:${hash}`)) : [];
  // Rotated keys expire by themselves and leave their entry behind.
  const expired = index.filter((_entry, position) => rows[position] === null).map(([id]) => id);
  if (expired.length > 0) await redis.hdel(`${KEY_PREFIX}keys`, ...expired);
  const keys = rows.filter((row) => row !== null).map((row) => JSON.parse(row) as KeyRecord);
  return keys.filter((key) => !owner || key.owner === owner).sort((a, b) => (a.id < b.id ? -1 : 1));
}

const revokeScript = new Script(`
local id, keep_admin = ARGV[1], ARGV[2] == 'keep-admin'
local function is_lasting_admin(row)
  local key = row and cjson.decode(row)
  return key and key.role == 'admin' and not key.expiresAt
end
local hash = redis.call('HGET', P .. 'keys', id)
local row = hash and redis.call('GET', P .. 'key:' .. hash)
if not row then return 'absent' end
if keep_admin and is_lasting_admin(row) then
  local others = false
  for _, other in ipairs(redis.call('HVALS', P .. 'keys')) do
    others = others or (other ~= hash and is_lasting_admin(redis.call('GET', P .. 'key:' .. other)))
  end
  if not others then return 'last-admin' end
end
redis.call('DEL', P .. 'key:' .. hash)
redis.call('HDEL', P .. 'keys', id)
return 'revoked'
`);

/** The key ends at once, everywhere; unless it is the last admin key that does not expire by itself. */
export async function revokeKey(redis: Redis, keyId: string): Promise<'revoked' | 'absent' | 'last-admin'> {
  return (await revokeScript.run(redis, keyId, 'keep-admin')) as 'revoked' | 'absent' | 'last-admin';
}

/** Makes a key for the same owner and role; the old one goes on for `graceSeconds`, so that programs can change over. */
export async function rotateKey(
  redis: Redis,
  keyId: string,
  graceSeconds: number,
): Promise<{ secret: string; record: KeyRecord } | undefined> {
  const hash = await redis.hget(`${KEY_PREFIX}keys`, keyId);
  const row = hash === null ? null : await redis.get(`${KEY_PREFIX}key:${hash}`);
  if (row === null) return undefined;
  const old = JSON.parse(row) as KeyRecord;
  const made = await createKey(redis, old);
  if (graceSeconds === 0) {
    await revokeKey(redis, keyId);
    return made;
  }
  const ending: KeyRecord = { ...old, expiresAt: Date.now() + graceSeconds * 1000 };
  await redis.set(`${KEY_PREFIX}key:${hash}`, JSON.stringify(ending), 'EX', graceSeconds, 'XX');
  return made;
}

/** Long enough to make and deliver a key; a process that dies on the way leaves the next one its turn. */
const FIRST_KEY_TURN_SECONDS = 30;

/**
 * Makes the farm's first key, whichever replica comes first, and hands the secret to `deliver`. What cannot be delivered
 * is taken back. `false`: there is one already.
 */
export async function createFirstAdminKey(redis: Redis, deliver: (secret: string) => Promise<void>): Promise<boolean> {
  const marker = `${KEY_PREFIX}first-key`;
  if ((await redis.set(marker, Date.now(), 'EX', FIRST_KEY_TURN_SECONDS, 'NX')) === null) return false;
  const { secret, record } = await createKey(redis, { owner: 'admin', role: 'admin' });
  try {
    await deliver(secret);
  } catch (error) {
    await revokeScript.run(redis, record.id, 'any');
    await redis.del(marker);
    throw error;
  }
  await redis.persist(marker);
  return true;
}
