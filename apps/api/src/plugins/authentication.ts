import { FarmError, Role } from '@farm/contracts';
import { type ApiKeyRecord, findApiKey } from '@farm/records';
import type { FastifyRequest } from 'fastify';
import fastifyPlugin from 'fastify-plugin';
import type { Services } from '../services.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Whose bearer key came with the request; set on every route whose config names an `access`. */
    caller: ApiKeyRecord | null;
  }
  interface FastifyContextConfig {
    /** The least role that may call the route; `open` needs no key, and signed URLs bring their own proof. */
    access?: Role | 'open';
  }
}

class KeyMissingError extends FarmError {
  constructor() {
    super(
      'key-missing',
      'Send your key: Authorization: Bearer <key>. `farm up` prints the first one and keeps it in admin.key.',
    );
  }
}

class KeyUnknownError extends FarmError {
  constructor() {
    super('key-unknown', 'This key was never made, or it has been revoked.');
  }
}

class RoleTooLowError extends FarmError {
  constructor(needed: Role, given: Role) {
    super('role-too-low', `This needs a key of role ${needed}, and yours has role ${given}.`);
  }
}

function bearerOf(request: FastifyRequest): string {
  const match = /^Bearer +([\w.~+/=-]{1,200}) *$/i.exec(request.headers.authorization ?? '');
  if (match?.[1]) return match[1];
  throw new KeyMissingError();
}

async function authenticate(services: Services, request: FastifyRequest): Promise<void> {
  const access = request.routeOptions.config.access ?? 'submit';
  if (access === 'open' || request.is404) return;
  const secret = bearerOf(request);
  // In a Redis that was emptied no key is known, and none of them is to blame.
  await services.identity.check();
  const key = await findApiKey(services.records.redis, secret);
  if (key === undefined) throw new KeyUnknownError();
  if (Role.options.indexOf(key.role) < Role.options.indexOf(access)) throw new RoleTooLowError(access, key.role);
  request.caller = key;
}

/** Requires `refusedKeys`. */
export const authentication = fastifyPlugin(async (app) => {
  app.decorateRequest('caller', null);
  app.addHook('onRequest', (request, reply) =>
    authenticate(app.services, request).catch(async (error: unknown) => {
      if (error instanceof FarmError && error.status < 500) await app.countRefusedKey(request, reply);
      throw error;
    }),
  );
});

/** The key of a route that has an `access`. */
export function callerOf(request: FastifyRequest): ApiKeyRecord {
  if (request.caller === null) throw new Error(`${request.routeOptions.url} needs a caller and is open`);
  return request.caller;
}

/** Operators and administrators see every owner's jobs; `submit` keys their own. */
export const seesEveryone = (key: ApiKeyRecord): boolean => key.role !== 'submit';
