import { randomUUID } from 'node:crypto';
import { KEY_PREFIX } from '../redis/key-prefix.js';
import { OtherStorageRootError, RecordsLostError } from './errors.js';
import { FARM_ROOT, type FarmPlaces, hasJobs, readKnownRoot } from './farm-root.js';

/** The id of a farm that is being founded: whoever finds it continues, so that a crash in between leaves no half farm. */
const FOUNDING = `${KEY_PREFIX}founding`;

/**
 * The id of the farm that Redis and storage belong to. Where neither has seen a farm, one is founded; processes that
 * start together agree on it. A storage with jobs in it is never taken for a new one.
 *
 * @throws RecordsLostError, OtherStorageRootError
 */
export async function establishFarm(places: FarmPlaces): Promise<string> {
  const { redis, storage } = places;
  const [known, seen] = await Promise.all([readKnownRoot(redis), storage.rootId()]);
  if (known !== undefined && known === seen) return known;
  if (known !== undefined) throw new OtherStorageRootError({ known, seen }, places);
  if (seen === undefined && (await hasJobs(storage))) throw new RecordsLostError(places);
  if (seen === undefined) await redis.setnx(FOUNDING, randomUUID());
  const founding = await redis.get(FOUNDING);
  // Another Redis may found a farm in the same storage at the same time: the storage decides.
  const owner = seen ?? (founding === null ? undefined : await storage.claimRoot(founding));
  if (owner === undefined || owner !== founding) throw new RecordsLostError(places);
  await redis.setnx(FARM_ROOT, owner);
  return owner;
}
