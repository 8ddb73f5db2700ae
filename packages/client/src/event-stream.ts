import { setTimeout as sleep } from 'node:timers/promises';
import type { FarmEvent } from '@farm/contracts';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { ApiError, ApiUnreachableError } from './errors.js';
import { type Connection, callApi } from './request.js';

/** The API sends at least a comment every 15 s; three times that in silence is a dead connection. */
const SILENCE_LIMIT_MS = 45_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;

export interface EventStreamOptions {
  readonly path: string;
  readonly signal: AbortSignal;
  /** Continue after this event. */
  readonly lastEventId?: string | undefined;
  readonly silenceLimitMs?: number;
}

/** `reset`: older events were trimmed, so some are missing and the record must be read again. */
export type StreamedEvent = FarmEvent | { readonly type: 'reset' };

/**
 * The events of a job, across lost connections: every reconnection continues after the last event seen.
 * Never ends by itself. @throws ApiError when the API refuses (unknown job, key revoked); the signal's reason.
 */
export async function* followEvents(
  connection: Connection,
  options: EventStreamOptions,
): AsyncGenerator<StreamedEvent> {
  let lastEventId = options.lastEventId;
  let wait = FIRST_WAIT_MS;
  for (;;) {
    try {
      for await (const message of readOnce(connection, options, lastEventId)) {
        wait = FIRST_WAIT_MS;
        if (message.event === 'reset') {
          lastEventId = message.id;
          yield { type: 'reset' };
        } else {
          lastEventId = message.id ?? lastEventId;
          yield JSON.parse(message.data) as FarmEvent;
        }
      }
    } catch (error) {
      options.signal.throwIfAborted();
      if (error instanceof ApiError && error.status < 500 && error.status !== 429) throw error;
      if (!(error instanceof ApiUnreachableError) && !isBrokenConnection(error)) throw error;
    }
    await sleep(wait, undefined, { signal: options.signal });
    wait = Math.min(wait * 2, LONGEST_WAIT_MS);
  }
}

function isBrokenConnection(error: unknown): boolean {
  return error instanceof ApiError || error instanceof TypeError || (error as Error)?.name === 'AbortError';
}

/** One connection, until it ends, breaks or goes silent. */
async function* readOnce(
  connection: Connection,
  options: EventStreamOptions,
  lastEventId: string | undefined,
): AsyncGenerator<EventSourceMessage> {
  const silence = new AbortController();
  const limitMs = options.silenceLimitMs ?? SILENCE_LIMIT_MS;
  const timer = setTimeout(() => silence.abort(), limitMs);
  try {
    const response = await callApi(connection, {
      method: 'GET',
      path: options.path,
      headers: { accept: 'text/event-stream', ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }) },
      repeatable: true,
      signal: AbortSignal.any([options.signal, silence.signal]),
    });
    const arrived: EventSourceMessage[] = [];
    const parser = createParser({ onEvent: (message) => arrived.push(message) });
    const decoder = new TextDecoder();
    for await (const bytes of response.body ?? []) {
      timer.refresh();
      parser.feed(decoder.decode(bytes, { stream: true }));
      yield* arrived.splice(0);
    }
  } finally {
    clearTimeout(timer);
    silence.abort();
  }
}
