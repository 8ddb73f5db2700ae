import type { FarmEvent } from '@farm/contracts';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { EventStream } from './event-stream.js';

export interface Followed {
  /** A job's id, or `*` for the whole farm. */
  scope: string;
  lastEventId: string | undefined;
  readPast(): Promise<{ reset: boolean; events: FarmEvent[] }>;
  /** Whether the stream ends after this event. */
  isLast(event: FarmEvent): boolean;
}

const openStreams = new WeakMap<FastifyInstance['server'], Set<EventStream>>();

function streamsOf(server: FastifyInstance['server']): Set<EventStream> {
  const known = openStreams.get(server) ?? new Set<EventStream>();
  openStreams.set(server, known);
  return known;
}

/** Ends every open event stream of this server; clients come back to another replica, with Last-Event-ID. */
export function endEventStreams(server: FastifyInstance['server']): void {
  for (const stream of streamsOf(server)) stream.end();
}

/**
 * Replays the past, then sends what comes. Listening begins before the past is read, so nothing is lost between the
 * two; the stream leaves out what it has sent.
 */
export async function followEvents(app: FastifyInstance, reply: FastifyReply, followed: Followed): Promise<void> {
  const waiting: FarmEvent[] = [];
  let receive = (event: FarmEvent) => void waiting.push(event);
  const stop = app.services.events.listen(followed.scope, (event) => receive(event));
  try {
    await app.services.events.started;
    const { reset, events } = await followed.readPast();
    const streams = streamsOf(app.server);
    const stream = new EventStream(reply, followed.lastEventId, () => {
      stop();
      streams.delete(stream);
    });
    streams.add(stream);
    if (reset) stream.reset(events.at(-1)?.id);
    else for (const event of events) stream.send(event);
    receive = (event) => {
      stream.send(event);
      if (followed.isLast(event)) stream.end();
    };
    const newest = [...events, ...waiting].filter(({ type }) => type.startsWith('job-')).at(-1);
    for (const event of waiting) stream.send(event);
    if (newest && followed.isLast(newest)) stream.end();
  } catch (error) {
    stop();
    throw error;
  }
}
