import type { Readable } from 'node:stream';
import { FarmError } from '@farm/contracts';
import { StorageError, serveObject, verifyObjectUrl } from '@farm/storage';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { serve } from '../plugins/serve.js';

const reasons = {
  malformed: 'The URL is not whole.',
  signature: 'The signature does not belong to this URL.',
  expired: 'The URL has expired; ask for a new one.',
  method: 'The URL was signed for another method.',
} as const;

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
    throw new FarmError('bad-signed-url', reasons[verdict.reason], { status: 403, data: { reason: verdict.reason } });
  }

  app.get('/objects/*', { config, schema }, async (request, reply) => {
    const { key, downloadName } = verified(request);
    const method = request.method === 'HEAD' ? 'HEAD' : 'GET';
    return serve(reply, await serveObject(storage, key, { method, range: request.headers.range, downloadName }));
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
  if (error instanceof StorageError && error.code === 'object-too-large') {
    const message = `The file is larger than ${(maximumSize / 1e6).toFixed(0)} MB, the most that is taken.`;
    return new FarmError('file-too-large', message, { status: 413, data: { maximumBytes: maximumSize }, cause: error });
  }
  if (error instanceof StorageError || request.raw.complete) return error;
  return new FarmError('upload-aborted', 'The file ended before it was whole; nothing was kept.', {
    status: 400,
    cause: error,
  });
}
