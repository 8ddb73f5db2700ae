import { Readable } from 'node:stream';
import { FarmError } from '@farm/contracts';
import type { ServedObject } from '@farm/storage';
import type { FastifyReply } from 'fastify';

/** @throws FarmError `object-gone` (404), `invalid-range` (416) */
export function serve(reply: FastifyReply, served: ServedObject): FastifyReply {
  const { status, headers, stream } = served;
  if (status === 404) throw new FarmError('object-gone', 'The file is no longer in the storage.', { status: 404 });
  reply.headers(headers);
  if (status === 416)
    throw new FarmError('invalid-range', `The file has no such range (${headers['content-range']}).`, { status: 416 });
  // The framework measures every other answer to HEAD anew; a stream keeps the length of the file.
  return reply.status(status).send(stream ?? Readable.from([]));
}
