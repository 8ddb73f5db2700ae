import { FarmError, KeyList, KeyParams, KeyQuery, KeyRequest, KeyRotation, KeyView, NewKey } from '@farm/contracts';
import { createKey, type KeyRecord, listKeys, revokeKey, rotateKey } from '@farm/records';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { callerOf } from '../plugins/authentication.js';
import { commonProblems, problemResponses } from './problem-responses.js';

const config = { access: 'admin' } as const;

const keyView = ({ createdAt, expiresAt, ...key }: KeyRecord) => ({
  ...key,
  createdAt: new Date(createdAt).toISOString(),
  ...(expiresAt !== undefined && { expiresAt: new Date(expiresAt).toISOString() }),
});

function notFound(id: string): FarmError {
  return new FarmError('key-not-found', `There is no key ${JSON.stringify(id)}.`, { status: 404 });
}

export async function keyRoutes(plain: FastifyInstance): Promise<void> {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  const { redis } = app.services.records;

  app.post(
    '',
    {
      config,
      schema: {
        operationId: 'createApiKey',
        tags: ['keys'],
        summary: 'Create an API key',
        description: 'The secret is shown in this answer only.',
        body: KeyRequest,
        response: { 201: NewKey, ...problemResponses([...commonProblems, 415]) },
      },
    },
    async (request, reply) => {
      const { secret, record } = await createKey(redis, request.body);
      return reply.status(201).send({ ...keyView(record), secret });
    },
  );

  app.get(
    '',
    {
      config,
      schema: {
        operationId: 'listApiKeys',
        tags: ['keys'],
        summary: 'List API keys, oldest first',
        querystring: KeyQuery,
        response: { 200: KeyList, ...problemResponses(commonProblems) },
      },
    },
    async (request) => ({ keys: (await listKeys(redis, request.query.owner)).map(keyView) }),
  );

  app.get(
    '/self',
    {
      schema: {
        operationId: 'getOwnApiKey',
        tags: ['keys'],
        summary: 'Show the API key of this request',
        response: { 200: KeyView, ...problemResponses(commonProblems) },
      },
    },
    (request) => keyView(callerOf(request)),
  );

  app.delete(
    '/:id',
    {
      config,
      schema: {
        operationId: 'revokeApiKey',
        tags: ['keys'],
        summary: 'Revoke an API key',
        description: 'It stops working immediately, on every replica. The last admin key cannot be revoked; rotate it.',
        params: KeyParams,
        response: { 204: z.null().describe('Revoked'), ...problemResponses([...commonProblems, 404, 409]) },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const outcome = await revokeKey(redis, id);
      if (outcome === 'absent') throw notFound(id);
      if (outcome === 'last-admin')
        throw new FarmError('last-admin-key', 'This is the last admin key; without it nobody could make keys.', {
          status: 409,
        });
      return reply.status(204).send(null);
    },
  );

  app.post(
    '/:id/rotate',
    {
      config,
      schema: {
        operationId: 'rotateApiKey',
        tags: ['keys'],
        summary: 'Replace an API key',
        description: 'Creates a key of the same owner and role; the old one works for another `graceSeconds`.',
        params: KeyParams,
        body: KeyRotation,
        response: { 201: NewKey, ...problemResponses([...commonProblems, 404, 415]) },
      },
    },
    async (request, reply) => {
      const made = await rotateKey(redis, request.params.id, request.body.graceSeconds);
      if (made === undefined) throw notFound(request.params.id);
      return reply.status(201).send({ ...keyView(made.record), secret: made.secret });
    },
  );
}
