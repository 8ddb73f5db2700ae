import { Readable } from 'node:stream';
import { FarmError } from '@farm/contracts';
import type { ServedObject } from '@farm/storage';
import type { FastifyReply } from 'fastify';

class ObjectGoneError extends FarmError {
  constructor() {
    super('object-gone', 'The file is no longer in the storage.');
  }
}

class RangeOutsideFileError extends FarmError {
  constructor(contentRange: string | undefined) {
    super('invalid-range', `The file has no such range (${contentRange}).`);
  }
}

/** @throws ObjectGoneError, RangeOutsideFileError */
export function sendObject(reply: FastifyReply, { status, headers, stream }: ServedObject): FastifyReply {
  if (status === 404) throw new ObjectGoneError();
  reply.headers(headers);
  if (status === 416) throw new RangeOutsideFileError(headers['content-range']);
  // The framework measures every other response to HEAD itself; a stream keeps the length of the file.
  return reply.status(status).send(stream ?? Readable.from([]));
}
