import { FarmError, KeyList, KeyParams, KeyQuery, KeyRequest, KeyRotation, KeyView, NewKey } from '@farm/contracts';
import { type ApiKeyRecord, createApiKey, listApiKeys, revokeApiKey, rotateApiKey } from '@farm/records';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { callerOf } from '../plugins/authentication.js';
import { commonProblems, problemResponses } from './problem-responses.js';
import type { TypedApp } from './typed-app.js';

const config = { access: 'admin' } as const;

const keyView = ({ createdAt, expiresAt, ...key }: ApiKeyRecord) => ({
  ...key,
  createdAt: new Date(createdAt).toISOString(),
  ...(expiresAt !== undefined && { expiresAt: new Date(expiresAt).toISOString() }),
});

class ApiKeyNotFoundError extends FarmError {
  constructor(id: string) {
    super('key-not-found', `There is no key ${JSON.stringify(id)}.`);
  }
}

class LastAdminKeyError extends FarmError {
  constructor() {
    super('last-admin-key', 'This is the last admin key; without it nobody could make keys.');
  }
}

export async function apiKeyRoutes(plain: FastifyInstance): Promise<void> {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  for (const add of [createRoute, listRoute, selfRoute, revokeRoute, rotateRoute]) add(app);
}

function createRoute(app: TypedApp): void {
  app.post(
    '',
    {
      config,
      schema: {
        operationId: 'createApiKey',
        tags: ['keys'],
        summary: 'Create an API key',
        description: 'The secret is shown in this response only.',
        body: KeyRequest,
        response: { 201: NewKey, ...problemResponses([...commonProblems, 415]) },
      },
    },
    async (request, reply) => {
      const { secret, record } = await createApiKey(app.services.records.redis, request.body);
      return reply.status(201).send({ ...keyView(record), secret });
    },
  );
}

function listRoute(app: TypedApp): void {
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
    async (request) => {
      const keys = await listApiKeys(app.services.records.redis, request.query.owner);
      return { keys: keys.map(keyView) };
    },
  );
}

function selfRoute(app: TypedApp): void {
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
}

function revokeRoute(app: TypedApp): void {
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
      const outcome = await revokeApiKey(app.services.records.redis, id);
      if (outcome === 'absent') throw new ApiKeyNotFoundError(id);
      if (outcome === 'last-admin') throw new LastAdminKeyError();
      return reply.status(204).send(null);
    },
  );
}

function rotateRoute(app: TypedApp): void {
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
      const { id } = request.params;
      const made = await rotateApiKey(app.services.records.redis, id, request.body.graceSeconds);
      if (made === undefined) throw new ApiKeyNotFoundError(id);
      return reply.status(201).send({ ...keyView(made.record), secret: made.secret });
    },
  );
}
