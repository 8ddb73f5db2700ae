import { createHash } from 'node:crypto';
import { JobParams, Manifest, SignedUrls, SignedUrlsQuery } from '@farm/contracts';
import { type JobRecord, reopenAssembly } from '@farm/records';
import { type ObjectStorage, type PresignGetOptions, serveObject } from '@farm/storage';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { callerOf } from '../../plugins/authentication.js';
import type { Services } from '../../services.js';
import { commonProblems, problemResponses } from '../problem-responses.js';
import { sendObject } from '../send-object.js';
import type { TypedApp } from '../typed-app.js';
import { NoPosterError, NoVideoError, VideoLostError, VideoNotReadyError } from './errors.js';
import { findJob } from './find-job.js';

const fileNames = ['video', 'manifest', 'poster'] as const;
type FileName = (typeof fileNames)[number];

/** How each file is documented. */
const files = {
  video: {
    operationId: 'getVideo',
    summary: 'Download the finished video (MP4, H.264 and AAC)',
    content: { 'video/mp4': { schema: z.file().mime('video/mp4') } },
  },
  manifest: {
    operationId: 'getManifest',
    summary: 'Get how the video was made: settings, seeds, attempts, raw-frame hashes',
    content: { 'application/json': { schema: Manifest } },
  },
  poster: {
    operationId: 'getPoster',
    summary: 'Download a still of the video',
    content: { 'image/jpeg': { schema: z.file().mime('image/jpeg') } },
  },
};

/** @throws VideoNotReadyError, NoVideoError, NoPosterError */
function keyOf(job: JobRecord, name: FileName): string {
  if (job.video === null) {
    if (job.status === 'failed' || job.status === 'canceled') throw new NoVideoError(job.status, name);
    throw new VideoNotReadyError(job.status, name);
  }
  const { key, manifestKey, posterKey } = job.video;
  const found = { video: key, manifest: manifestKey, poster: posterKey }[name];
  if (found === undefined) throw new NoPosterError();
  return found;
}

/** An object's key names the attempt that wrote it, and nothing is written twice. */
const entityTagOf = (key: string): string => `"${createHash('sha256').update(key).digest('base64url')}"`;

/** The Range that counts: none when If-Range means another file, such as that of an earlier attempt (RFC 9110, 13.1.5). */
function rangeOf({ headers }: FastifyRequest, entityTag: string): string | undefined {
  const reference = headers['if-range'];
  return reference === undefined || reference === entityTag ? headers.range : undefined;
}

export async function fileRoutes(plain: FastifyInstance): Promise<void> {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  fileRoute(app);
  signedUrlsRoute(app);
}

async function sendFile(
  { records, storage }: Pick<Services, 'records' | 'storage'>,
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
  { job, name }: { job: JobRecord; name: FileName },
): Promise<FastifyReply> {
  const key = keyOf(job, name);
  const downloadName = name === 'video' ? `${job.id}.mp4` : undefined;
  const entityTag = entityTagOf(key);
  const served = await serveObject(storage, key, {
    method: request.method === 'HEAD' ? 'HEAD' : 'GET',
    range: rangeOf(request, entityTag),
    downloadName,
  });
  const isReopened =
    served.status === 404 && job.video && (await reopenAssembly(records, job.id, job.video.key)) === 'reopened';
  if (isReopened) throw new VideoLostError(name);
  return sendObject(reply.header('etag', entityTag), served);
}

function fileRoute(app: TypedApp): void {
  for (const name of fileNames) {
    app.get(
      `/:id/${name}`,
      {
        schema: {
          operationId: files[name].operationId,
          tags: ['jobs'],
          summary: files[name].summary,
          description: 'HEAD, Range and If-Range work too.',
          params: JobParams,
          response: {
            200: { description: 'The file', content: files[name].content },
            206: { description: 'The range that was asked for', content: files[name].content },
            ...problemResponses([...commonProblems, 404, 409, 416]),
          },
        },
      },
      async (request, reply) => {
        const job = await findJob(app.services.records, callerOf(request), request.params.id);
        return await sendFile(app.services, { request, reply }, { job, name });
      },
    );
  }
}

async function signUrls(
  storage: ObjectStorage,
  job: JobRecord,
  options: PresignGetOptions,
): Promise<[string, string][]> {
  const names = fileNames.filter((name) => name !== 'poster' || job.video?.posterKey);
  return await Promise.all(
    names.map(async (name): Promise<[string, string]> => {
      const downloadName = name === 'video' ? { downloadName: `${job.id}.mp4` } : {};
      return [name, await storage.presignGet(keyOf(job, name), { ...options, ...downloadName })];
    }),
  );
}

function signedUrlsRoute(app: TypedApp): void {
  app.get(
    '/:id/signed-urls',
    {
      schema: {
        operationId: 'getSignedUrls',
        tags: ['jobs'],
        summary: 'Get URLs that download the files without a key',
        params: JobParams,
        querystring: SignedUrlsQuery,
        response: {
          200: SignedUrls,
          ...problemResponses([...commonProblems, 404, 409]),
        },
      },
    },
    async (request) => {
      const { records, storage } = app.services;
      const job = await findJob(records, callerOf(request), request.params.id);
      const { audience, expiresInSeconds } = request.query;
      const urls = await signUrls(storage, job, { audience, expiresInSeconds });
      return {
        expiresAt: new Date(Date.now() + expiresInSeconds * 1000).toISOString(),
        urls: Object.fromEntries(urls),
      };
    },
  );
}
