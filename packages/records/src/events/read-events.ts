import type { FarmEvent } from '@farm/contracts';
import type { Redis } from 'ioredis';
import { KEY_PREFIX } from '../redis/key-prefix.js';
import type { Reader } from '../redis/read-hash.js';
import { decodeEvent, type Entry } from './decode-event.js';

/** Past events. `reset`: some of them have been trimmed; read the job again, then continue from the newest. */
export interface PastEvents {
  reset: boolean;
  events: FarmEvent[];
}

/** A job's events after `lastEventId`; from the first one kept when absent. */
export async function readJobEvents(context: Reader, jobId: string, lastEventId?: string): Promise<PastEvents> {
  return await readStream(context.redis, `${KEY_PREFIX}job:${jobId}:events`, lastEventId);
}

/** The whole farm's events after `lastEventId`; none of the past when absent. */
export async function readFarmEvents(context: Reader, lastEventId: string | undefined): Promise<PastEvents> {
  if (lastEventId === undefined) return { reset: false, events: [] };
  return await readStream(context.redis, `${KEY_PREFIX}events`, lastEventId);
}

async function readStream(redis: Redis, key: string, lastEventId: string | undefined): Promise<PastEvents> {
  const entries = (await redis.xrange(key, lastEventId ? idAfter(lastEventId) : '-', '+')) as Entry[];
  const reset = lastEventId !== undefined && (await isTrimmedAfter(redis, key, lastEventId));
  return { reset, events: entries.map(decodeEvent) };
}

/** The smallest id after this one; Redis 6.0 has no open ranges. */
function idAfter(id: string): string {
  const [milliseconds, sequence = '0'] = id.split('-');
  return `${milliseconds}-${BigInt(sequence) + 1n}`;
}

async function isTrimmedAfter(redis: Redis, key: string, id: string): Promise<boolean> {
  const [seen] = (await redis.xrange(key, id, id)) as Entry[];
  if (seen) return false;
  const [oldest] = (await redis.xrange(key, '-', '+', 'COUNT', 1)) as Entry[];
  // The last event seen is gone: something may be missing unless the stream is younger than it and was never trimmed.
  return oldest !== undefined ? isBefore(id, oldest[0]) : true;
}

function isBefore(a: string, b: string): boolean {
  const [aMs = 0, aSeq = 0] = a.split('-').map(Number);
  const [bMs = 0, bSeq = 0] = b.split('-').map(Number);
  return aMs < bMs || (aMs === bMs && aSeq < bSeq);
}
