import type { FarmEvent } from '@farm/contracts';
import { FarmError } from '@farm/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';

const COMMENT_MS = 15_000;
/** A client that reads slower than the farm writes is let go; it comes back with Last-Event-ID. */
const MAXIMUM_UNREAD_BYTES = 1024 * 1024;
const EVENT_ID = /^\d{1,16}-\d{1,16}$/;

export function lastEventIdOf(request: FastifyRequest): string | undefined {
  const id = request.headers['last-event-id'];
  if (id === undefined || id === '') return undefined;
  if (typeof id === 'string' && EVENT_ID.test(id)) return id;
  throw new FarmError(
    'bad-last-event-id',
    'Last-Event-ID is the id of an event of this stream, such as 1700000000000-0.',
    {
      status: 400,
    },
  );
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
      // A drained replica is to be left, not asked again.
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

  /** Events that were sent before, or lie before Last-Event-ID, are left out. */
  send(event: FarmEvent): void {
    if (!isAfter(event.id, this.#lastId)) return;
    this.#lastId = event.id;
    const { id, type } = event;
    this.#write(`id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(event)}\n\n`);
  }

  /** The past is gone: the client reads the job again and goes on from here. */
  reset(newestId: string | undefined): void {
    if (newestId) this.#lastId = newestId;
    this.#write(`${newestId ? `id: ${newestId}\n` : ''}event: reset\ndata: {}\n\n`);
  }

  /** A client that does not read what is left for it is let go after two seconds. */
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
