import { FarmError, type FarmEvent } from '@farm/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';

const COMMENT_MS = 15_000;
/** A client that reads more slowly than the farm writes is disconnected; it comes back with Last-Event-ID. */
const MAXIMUM_UNREAD_BYTES = 1024 * 1024;
const EVENT_ID = /^\d{1,16}-\d{1,16}$/;

class BadLastEventIdError extends FarmError {
  constructor() {
    super('bad-last-event-id', 'Last-Event-ID is the id of an event of this stream, such as 1700000000000-0.');
  }
}

export function lastEventIdOf(request: FastifyRequest): string | undefined {
  const id = request.headers['last-event-id'];
  if (id === undefined || id === '') return undefined;
  if (typeof id === 'string' && EVENT_ID.test(id)) return id;
  throw new BadLastEventIdError();
}

export function isAfter(id: string, reference: string | undefined): boolean {
  if (reference === undefined) return true;
  const [ms = 0, sequence = 0] = id.split('-').map(Number);
  const [referenceMs = 0, referenceSequence = 0] = reference.split('-').map(Number);
  return ms > referenceMs || (ms === referenceMs && sequence > referenceSequence);
}

/** One open stream of server-sent events (WHATWG HTML, section 9.2). */
export class EventStream {
  #lastId: string | undefined;
  readonly #reply: FastifyReply;
  readonly #comments: NodeJS.Timeout;

  constructor(reply: FastifyReply, lastEventId: string | undefined, onClose: () => void) {
    this.#reply = reply;
    this.#lastId = lastEventId;
    reply.hijack();
    reply.raw.writeHead(200, {
      ...(reply.getHeaders() as Record<string, string>),
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      // Clients of a drained replica must reconnect to another one.
      connection: 'close',
      'x-accel-buffering': 'no',
    });
    this.#write(': open\nretry: 2000\n\n');
    this.#comments = setInterval(() => this.#write(': still here\n\n'), COMMENT_MS);
    reply.raw.on('close', () => {
      clearInterval(this.#comments);
      onClose();
    });
  }

  /** Leaves out events that were sent before, or are not newer than Last-Event-ID. */
  send(event: FarmEvent): void {
    if (!isAfter(event.id, this.#lastId)) return;
    this.#lastId = event.id;
    const { id, type } = event;
    this.#write(`id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(event)}\n\n`);
  }

  /** The past is gone: the client reads the job again and continues from here. */
  reset(newestId: string | undefined): void {
    if (newestId) this.#lastId = newestId;
    this.#write(`${newestId ? `id: ${newestId}\n` : ''}event: reset\ndata: {}\n\n`);
  }

  /** A client that does not read the rest is disconnected after two seconds. */
  end(): void {
    const { raw } = this.#reply;
    raw.end();
    const timer = setTimeout(() => raw.destroy(), 2000);
    raw.once('close', () => clearTimeout(timer));
  }

  #write(text: string): void {
    const { raw } = this.#reply;
    if (raw.writableEnded || raw.destroyed) return;
    raw.write(text);
    if (raw.writableLength > MAXIMUM_UNREAD_BYTES) raw.destroy();
  }
}
