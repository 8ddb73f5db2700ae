import type { Redis } from 'ioredis';
import { OtherStorageRootError } from './errors.js';
import { KEY_PREFIX } from './key-prefix.js';

/**
 * Redis holds the id of the storage root it belongs to. A process that sees another root would read and write apart from
 * the rest of the farm: it stops here. @throws OtherStorageRootError
 */
export async function claimStorageRoot(redis: Redis, rootId: string): Promise<void> {
  await redis.setnx(`${KEY_PREFIX}storage-root`, rootId);
  const known = await redis.get(`${KEY_PREFIX}storage-root`);
  if (known !== rootId) throw new OtherStorageRootError({ seen: rootId, known });
}
