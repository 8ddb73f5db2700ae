import { createHash } from 'node:crypto';
import { FarmError } from '@farm/contracts';
import type { JobRecord } from '@farm/records';
import { serveObject } from '@farm/storage';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { callerOf } from '../../plugins/authentication.js';
import { serve } from '../../plugins/serve.js';
import { commonProblems, problemResponses } from '../problem-responses.js';
import { findJob, JobParams } from './find-job.js';

type FileName = 'video' | 'manifest' | 'poster';

const summaries: Record<FileName, string> = {
  video: 'The finished video (MP4, H.264 and AAC)',
  manifest: 'What was rendered how: settings, seeds, attempts, raw-frame hashes',
  poster: 'A still of the video',
};

const mediaTypes: Record<FileName, string> = { video: 'video/mp4', manifest: 'application/json', poster: 'image/jpeg' };

const fileResponse = (name: FileName) => ({
  description: summaries[name],
  content: { [mediaTypes[name]]: { schema: z.any() } },
});

/** @throws FarmError `video-not-ready` or `no-video` (409) while there is nothing, `no-poster` (404) */
function keyOf(job: JobRecord, name: FileName): string {
  if (job.video === null) {
    if (job.status === 'failed' || job.status === 'canceled')
      throw new FarmError(
        'no-video',
        `The job has ${job.status === 'failed' ? 'failed' : 'been canceled'}; there is no ${name}. Retry it to get one.`,
        {
          status: 409,
          data: { jobStatus: job.status },
        },
      );
    throw new FarmError('video-not-ready', `The job is ${job.status}; the ${name} is there when it has succeeded.`, {
      status: 409,
      data: { jobStatus: job.status },
    });
  }
  const { key, manifestKey, posterKey } = job.video;
  const found = { video: key, manifest: manifestKey, poster: posterKey }[name];
  if (found === undefined) throw new FarmError('no-poster', 'This video has no poster.', { status: 404 });
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
  const { records, storage } = app.services;

  for (const name of ['video', 'manifest', 'poster'] as const) {
    app.get(
      `/:id/${name}`,
      {
        schema: {
          tags: ['jobs'],
          summary: summaries[name],
          description: 'Answers HEAD, Range and If-Range too.',
          params: JobParams,
          response: {
            200: fileResponse(name),
            206: fileResponse(name),
            ...problemResponses([...commonProblems, 404, 409, 416]),
          },
        },
      },
      async (request, reply) => {
        const job = await findJob(records, callerOf(request), request.params.id);
        return await sendFile(request, reply, job, name);
      },
    );
  }

  async function sendFile(request: FastifyRequest, reply: FastifyReply, job: JobRecord, name: FileName) {
    const key = keyOf(job, name);
    const downloadName = name === 'video' ? `${job.id}.mp4` : undefined;
    const entityTag = entityTagOf(key);
    const served = await serveObject(storage, key, {
      method: request.method === 'HEAD' ? 'HEAD' : 'GET',
      range: rangeOf(request, entityTag),
      downloadName,
    });
    return serve(reply.header('etag', entityTag), served);
  }

  app.get(
    '/:id/signed-urls',
    {
      schema: {
        tags: ['jobs'],
        summary: 'URLs that fetch the files without a key',
        params: JobParams,
        querystring: z.strictObject({
          audience: z
            .enum(['public', 'internal'])
            .default('public')
            .describe('Who follows them: people outside, or programs inside the cluster'),
          expiresInSeconds: z.coerce.number().int().min(1).max(604_800).default(3600),
        }),
        response: {
          200: z.object({ expiresAt: z.iso.datetime(), urls: z.record(z.string(), z.url()) }),
          ...problemResponses([...commonProblems, 404, 409]),
        },
      },
    },
    async (request) => {
      const job = await findJob(records, callerOf(request), request.params.id);
      const { audience, expiresInSeconds } = request.query;
      const names = (['video', 'manifest', 'poster'] as const).filter(
        (name) => name !== 'poster' || job.video?.posterKey,
      );
      const urls = await Promise.all(
        names.map(async (name) => {
          const downloadName = name === 'video' ? { downloadName: `${job.id}.mp4` } : {};
          return [name, await storage.presignGet(keyOf(job, name), { audience, expiresInSeconds, ...downloadName })];
        }),
      );
      return {
        expiresAt: new Date(Date.now() + expiresInSeconds * 1000).toISOString(),
        urls: Object.fromEntries(urls),
      };
    },
  );
}
