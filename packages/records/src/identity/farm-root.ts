import { JOBS_PREFIX } from '@farm/contracts';
import type { Redis } from 'ioredis';
import { KEY_PREFIX } from '../redis/key-prefix.js';

/** What identifying a farm needs of its object storage. */
export interface RootStorage {
  /** For messages. */
  readonly description: string;
  rootId(): Promise<string | undefined>;
  claimRoot(id: string): Promise<string>;
  list(prefix: string): AsyncIterable<unknown>;
}

export interface FarmPlaces {
  redis: Redis;
  storage: RootStorage;
}

/** In Redis: the id of the farm whose records it holds, which its storage bears too. */
export const FARM_ROOT = `${KEY_PREFIX}storage-root`;

/** The id that Redis knows; undefined in one that never held a farm, or has lost it. */
export const readKnownRoot = async (redis: Redis): Promise<string | undefined> =>
  (await redis.get(FARM_ROOT)) ?? undefined;

export async function hasJobs(storage: RootStorage): Promise<boolean> {
  for await (const _object of storage.list(JOBS_PREFIX)) return true;
  return false;
}

/** Which server and which of its databases, never its password. */
export function describeRedis({ options: { host, port, path, db = 0 } }: Redis): string {
  return `${path ?? `${host}:${port}`}, database ${db}`;
}
