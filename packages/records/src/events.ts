import type { EventType, FarmEvent } from '@farm/contracts';
import type { Redis } from 'ioredis';
import type { RecordsContext } from './records-context.js';
import { KEY_PREFIX } from './redis.js';

type Entry = [id: string, fields: string[]];

function decodeEvent([id, fields]: Entry): FarmEvent {
  const all: Record<string, string> = {};
  for (let i = 0; i < fields.length; i += 2) all[fields[i]!] = fields[i + 1]!;
  const { type, at, jobId, taskId, attemptId, workerId, ...data } = all;
  return {
    id,
    type: type as EventType,
    at: new Date(Number(at)).toISOString(),
    ...(jobId && { jobId }),
    ...(taskId && { taskId }),
    ...(attemptId && { attemptId }),
    ...(workerId && { workerId }),
    data,
  };
}

/**
 * A job's events after `lastEventId` (from the first one kept when absent). `reset` when events between the two have
 * been trimmed: re-read the job, then go on from the newest.
 */
export async function readJobEvents(
  context: Pick<RecordsContext, 'redis'>,
  jobId: string,
  lastEventId?: string,
): Promise<{ reset: boolean; events: FarmEvent[] }> {
  return await readStream(context.redis, `${KEY_PREFIX}job:${jobId}:events`, lastEventId);
}

/** As `readJobEvents`, of the whole farm; without `lastEventId` nothing of the past. */
export async function readFarmEvents(
  context: Pick<RecordsContext, 'redis'>,
  lastEventId: string | undefined,
): Promise<{ reset: boolean; events: FarmEvent[] }> {
  if (lastEventId === undefined) return { reset: false, events: [] };
  return await readStream(context.redis, `${KEY_PREFIX}events`, lastEventId);
}

async function readStream(
  redis: Redis,
  key: string,
  lastEventId: string | undefined,
): Promise<{ reset: boolean; events: FarmEvent[] }> {
  const entries = (await redis.xrange(key, lastEventId ? idBehind(lastEventId) : '-', '+')) as Entry[];
  const reset = lastEventId !== undefined && (await isTrimmedAfter(redis, key, lastEventId));
  return { reset, events: entries.map(decodeEvent) };
}

/** The smallest id behind this one; Redis 6.0 has no open ranges. */
function idBehind(id: string): string {
  const [milliseconds, sequence = '0'] = id.split('-');
  return `${milliseconds}-${BigInt(sequence) + 1n}`;
}

async function isTrimmedAfter(redis: Redis, key: string, id: string): Promise<boolean> {
  const [seen] = (await redis.xrange(key, id, id)) as Entry[];
  if (seen) return false;
  const [oldest] = (await redis.xrange(key, '-', '+', 'COUNT', 1)) as Entry[];
  // The last event seen is gone: something may be missing unless the stream is younger than it and untouched.
  return oldest !== undefined ? isBefore(id, oldest[0]) : true;
}

function isBefore(a: string, b: string): boolean {
  const [aMs = 0, aSeq = 0] = a.split('-').map(Number);
  const [bMs = 0, bSeq = 0] = b.split('-').map(Number);
  return aMs < bMs || (aMs === bMs && aSeq < bSeq);
}

/**
 * Follows the farm's stream on a connection of its own and calls `onEvent` for each; one per API replica. Resolves
 * when `signal` aborts.
 *
 * @param onStarted called as soon as no event after this moment can be missed
 */
export async function tailEvents(
  redis: Redis,
  onEvent: (event: FarmEvent) => void,
  signal: AbortSignal,
  onStarted: () => void = () => undefined,
): Promise<void> {
  const connection = redis.duplicate({ maxRetriesPerRequest: null, commandTimeout: undefined });
  connection.on('error', () => {});
  signal.addEventListener('abort', () => connection.disconnect(), { once: true });
  let last: string | undefined;
  while (!signal.aborted) {
    try {
      // `$` anew in every call would lose what is added between two of them.
      last ??= ((await connection.xrevrange(`${KEY_PREFIX}events`, '+', '-', 'COUNT', 1)) as Entry[])[0]?.[0] ?? '0-0';
      onStarted();
      const reply = (await connection.xread('BLOCK', 5000, 'STREAMS', `${KEY_PREFIX}events`, last)) as
        | [string, Entry[]][]
        | null;
      for (const [, entries] of reply ?? [])
        for (const entry of entries) {
          last = entry[0];
          onEvent(decodeEvent(entry));
        }
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Error)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}
