import type { Readable } from 'node:stream';
import { FarmError } from '@farm/contracts';
import { StorageError, serveObject, verifyObjectUrl } from '@farm/storage';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { FileTooLargeError, UploadAbortedError } from '../submit/file-errors.js';
import { sendObject } from './send-object.js';

const reasons = {
  malformed: 'The URL is incomplete.',
  signature: 'The signature does not belong to this URL.',
  expired: 'The URL has expired; ask for a new one.',
  method: 'The URL was signed for another method.',
} as const;

class BadSignedUrlError extends FarmError {
  constructor(reason: keyof typeof reasons) {
    super('bad-signed-url', reasons[reason], { data: { reason } });
  }
}

/** The signed URLs of filesystem storage: the signature is the key, so no bearer key is asked for. */
export async function objectRoutes(app: FastifyInstance): Promise<void> {
  const { configuration, storage } = app.services;
  const config = { access: 'open' } as const;
  const schema = { hide: true };

  function verified(request: FastifyRequest): { key: string; downloadName: string | undefined } {
    const key = (request.params as { '*': string })['*'];
    const query = request.query as Record<string, unknown>;
    const verdict = verifyObjectUrl({ secret: configuration.signingSecret!, method: request.method, key, query });
    if (verdict.valid) return { key, downloadName: verdict.downloadName };
    throw new BadSignedUrlError(verdict.reason);
  }

  app.get('/objects/*', { config, schema }, async (request, reply) => {
    const { key, downloadName } = verified(request);
    const method = request.method === 'HEAD' ? 'HEAD' : 'GET';
    return sendObject(reply, await serveObject(storage, key, { method, range: request.headers.range, downloadName }));
  });

  await app.register(async (uploads) => {
    uploads.removeAllContentTypeParsers();
    uploads.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    uploads.put('/objects/*', { config, schema }, async (request, reply) => {
      const { key } = verified(request);
      const maximumSize = configuration.limits.maximumUploadBytes;
      const size = request.headers['content-length'];
      const options = { maximumSize, ...(size !== undefined && { size: Number(size) }) };
      await storage
        .put(key, (request.body as Readable | undefined) ?? Buffer.alloc(0), options)
        .catch((error: unknown) => {
          throw putError(error, request, maximumSize);
        });
      return reply.status(200).send();
    });
  });
}

function putError(error: unknown, request: FastifyRequest, maximumSize: number): unknown {
  if (error instanceof StorageError && error.code === 'object-too-large')
    return new FileTooLargeError({ maximumBytes: maximumSize, cause: error });
  if (error instanceof StorageError || request.raw.complete) return error;
  return new UploadAbortedError('file', error);
}
