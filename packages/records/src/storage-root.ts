import { FarmError } from '@farm/contracts';
import type { Redis } from 'ioredis';
import { KEY_PREFIX } from './redis.js';

/**
 * Redis holds the id of the storage root it belongs to. A process that sees another root would read and write beside
 * the rest of the farm: it stops here.
 */
export async function claimStorageRoot(redis: Redis, rootId: string): Promise<void> {
  await redis.setnx(`${KEY_PREFIX}storage-root`, rootId);
  const known = await redis.get(`${KEY_PREFIX}storage-root`);
  if (known !== rootId)
    throw new FarmError(
      'other-storage-root',
      `This process sees the storage root ${rootId}, and the farm's Redis belongs to ${known}. Point both at the same ` +
        'place: the same data folder (a shared mount on another machine), or the same S3 endpoint and bucket.',
    );
}
