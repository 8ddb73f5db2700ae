import { FarmError, Role } from '@farm/contracts';
import { type ApiKeyRecord, createApiKey, listApiKeys, revokeApiKey, rotateApiKey } from '@farm/records';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { callerOf } from '../plugins/authentication.js';
import { Owner } from './owner.js';
import { commonProblems, problemResponses } from './problem-responses.js';

const KeyView = z.object({
  id: z.string(),
  owner: z.string(),
  role: Role,
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime().optional().describe('When it ends, after it was rotated'),
});
const NewKey = KeyView.extend({ secret: z.string().describe('Shown once; the farm keeps its SHA-256') });
const NewKeyRequest = z.strictObject({
  owner: Owner,
  role: Role.describe('submit: own jobs; operator: everyone’s jobs, workers; admin: keys and limits too'),
});
const KeyParams = z.object({ id: z.string().min(1).max(64) });
const config = { access: 'admin' } as const;

const keyView = ({ createdAt, expiresAt, ...key }: ApiKeyRecord) => ({
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
        tags: ['keys'],
        summary: 'Make a key',
        body: NewKeyRequest,
        response: { 201: NewKey, ...problemResponses([...commonProblems, 415]) },
      },
    },
    async (request, reply) => {
      const { secret, record } = await createApiKey(redis, request.body);
      return reply.status(201).send({ ...keyView(record), secret });
    },
  );

  app.get(
    '',
    {
      config,
      schema: {
        tags: ['keys'],
        summary: 'List keys',
        querystring: z.strictObject({ owner: Owner.optional() }),
        response: { 200: z.object({ keys: z.array(KeyView) }), ...problemResponses(commonProblems) },
      },
    },
    async (request) => ({ keys: (await listApiKeys(redis, request.query.owner)).map(keyView) }),
  );

  app.get(
    '/self',
    {
      schema: {
        tags: ['keys'],
        summary: 'Whose key this is',
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
        tags: ['keys'],
        summary: 'Revoke a key',
        description: 'It ends at once, on every replica. The last admin key cannot be revoked; rotate it.',
        params: KeyParams,
        response: { 204: z.null().describe('Revoked'), ...problemResponses([...commonProblems, 404, 409]) },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const outcome = await revokeApiKey(redis, id);
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
        tags: ['keys'],
        summary: 'Replace a key',
        description: 'Makes a key of the same owner and role; the old one goes on for `graceSeconds`.',
        params: KeyParams,
        body: z.strictObject({ graceSeconds: z.int().min(0).max(604_800).default(3600) }),
        response: { 201: NewKey, ...problemResponses([...commonProblems, 404, 415]) },
      },
    },
    async (request, reply) => {
      const made = await rotateApiKey(redis, request.params.id, request.body.graceSeconds);
      if (made === undefined) throw notFound(request.params.id);
      return reply.status(201).send({ ...keyView(made.record), secret: made.secret });
    },
  );
}
