import { objectKeys, Upload, UploadRequest } from '@farm/contracts';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { ulid } from 'ulid';
import { callerOf } from '../plugins/authentication.js';
import { extensionOf } from '../submit/receive-job.js';
import { commonProblems, problemResponses } from './problem-responses.js';

const URL_SECONDS = 6 * 3600;

export async function uploadRoute(plain: FastifyInstance): Promise<void> {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  app.post(
    '/uploads',
    {
      schema: {
        operationId: 'createUpload',
        tags: ['uploads'],
        summary: 'Get a URL to upload one file to',
        description: 'PUT the file there, then submit JSON that names the id. Uploads are kept for a day.',
        body: UploadRequest,
        response: { 201: Upload, ...problemResponses([...commonProblems, 415]) },
      },
    },
    async (request, reply) => {
      const { fileName, audience } = request.body;
      const extension = extensionOf(fileName);
      const id = `${ulid().toLowerCase()}${extension && `.${extension}`}`;
      const key = objectKeys.upload(callerOf(request).owner, id);
      const url = await app.services.storage.presignPut(key, { audience, expiresInSeconds: URL_SECONDS });
      const expiresAt = new Date(Date.now() + URL_SECONDS * 1000).toISOString();
      return reply.status(201).send({ id, method: 'PUT' as const, url, expiresAt });
    },
  );
}
