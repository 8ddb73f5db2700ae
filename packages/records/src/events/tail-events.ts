import { setTimeout as sleep } from 'node:timers/promises';
import type { FarmEvent } from '@farm/contracts';
import type { Redis } from 'ioredis';
import { KEY_PREFIX } from '../redis/key-prefix.js';
import { decodeEvent, type Entry } from './decode-event.js';

const STREAM = `${KEY_PREFIX}events`;
const BLOCK_MS = 5000;
const RETRY_MS = 500;

export interface EventTail {
  onEvent(event: FarmEvent): void;
  /** Called as soon as no later event can be missed. */
  onStarted?(): void;
  signal: AbortSignal;
}

/**
 * Follows the farm's stream on a connection of its own and calls `onEvent` for each event; one per API replica. Resolves
 * when `signal` aborts.
 */
export async function tailEvents(redis: Redis, tail: EventTail): Promise<void> {
  const connection = redis.duplicate({ maxRetriesPerRequest: null, commandTimeout: undefined });
  connection.on('error', () => {});
  const aborted = new Promise<void>((resolve) => {
    const end = () => {
      connection.disconnect();
      resolve();
    };
    tail.signal.addEventListener('abort', end, { once: true });
  });
  // A connection that is reconnecting does not reject its commands when it is ended.
  await Promise.race([follow(connection, tail), aborted]);
}

async function follow(connection: Redis, { onEvent, onStarted, signal }: EventTail): Promise<void> {
  let last: string | undefined;
  while (!signal.aborted) {
    try {
      // `$` in every call would lose what is added between two of them.
      last ??= await newestId(connection);
      onStarted?.();
      for (const entry of await entriesAfter(connection, last)) {
        last = entry[0];
        onEvent(decodeEvent(entry));
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Error)) throw error;
      await sleep(RETRY_MS);
    }
  }
}

async function newestId(connection: Redis): Promise<string> {
  const [newest] = (await connection.xrevrange(STREAM, '+', '-', 'COUNT', 1)) as Entry[];
  return newest?.[0] ?? '0-0';
}

async function entriesAfter(connection: Redis, id: string): Promise<Entry[]> {
  const reply = (await connection.xread('BLOCK', BLOCK_MS, 'STREAMS', STREAM, id)) as [string, Entry[]][] | null;
  return (reply ?? []).flatMap(([, entries]) => entries);
}
