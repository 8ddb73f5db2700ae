import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { KEY_PREFIX } from '../redis/key-prefix.js';
import { createApiKey } from './create-api-key.js';
import { revokeApiKey } from './revoke-api-key.js';

/** Long enough to make and deliver a key; when a process dies on the way, the next one has its turn after this. */
const TURN_SECONDS = 30;

/**
 * Makes the farm's first key, whichever replica comes first, and passes the secret to `deliver`. What cannot be delivered
 * is revoked. `false`: there is one already.
 */
export async function createFirstAdminKey(redis: Redis, deliver: (secret: string) => Promise<void>): Promise<boolean> {
  const marker = `${KEY_PREFIX}first-key`;
  const turn = randomUUID();
  await redis.set(marker, turn, 'EX', TURN_SECONDS, 'NX');
  // The answer to a SET that the client sent again, since its reply was lost, would be that somebody else was first.
  if ((await redis.get(marker)) !== turn) return false;
  const { secret, record } = await createApiKey(redis, { owner: 'admin', role: 'admin' });
  try {
    await deliver(secret);
  } catch (error) {
    await revokeApiKey(redis, record.id, { lastAdmin: 'revoke' });
    await redis.del(marker);
    throw error;
  }
  await redis.persist(marker);
  return true;
}
