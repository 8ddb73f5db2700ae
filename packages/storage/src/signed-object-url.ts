import { createHmac, timingSafeEqual } from 'node:crypto';
import { InvalidPresignLifetimeError } from './errors.js';
import type { Audience } from './object-storage.js';

export type SignedMethod = 'GET' | 'PUT';

interface SignedFields {
  key: string;
  method: SignedMethod;
  audience: Audience;
  /** Seconds since 1970. */
  expires: number;
  downloadName: string | undefined;
}

export interface SignObjectUrlOptions extends Omit<SignedFields, 'expires' | 'downloadName'> {
  /** Scheme, host and optional path prefix of the API, such as `https://farm.example.org`. */
  baseUrl: string;
  secret: string;
  expiresAt: Date;
  downloadName?: string;
}

export type VerifiedObjectUrl =
  | { valid: true; method: SignedMethod; audience: Audience; downloadName: string | undefined }
  | { valid: false; reason: 'malformed' | 'signature' | 'expired' | 'method' };

/** Where the API serves objects, below its base URL. */
export const OBJECTS_PATH = '/v1/objects/';
export const MAXIMUM_PRESIGN_SECONDS = 7 * 24 * 3600;

/** @throws InvalidPresignLifetimeError unless the lifetime is 1 second to 7 days, the most that S3 allows */
export function assertPresignLifetime(expiresInSeconds: number): void {
  if (expiresInSeconds >= 1 && expiresInSeconds <= MAXIMUM_PRESIGN_SECONDS) return;
  throw new InvalidPresignLifetimeError(expiresInSeconds, MAXIMUM_PRESIGN_SECONDS);
}

// A JSON array keeps the fields apart whatever characters they hold.
function signatureOf(secret: string, fields: SignedFields): Buffer {
  const { key, method, audience, expires, downloadName } = fields;
  const signed = JSON.stringify(['farm-object-url-1', method, key, audience, expires, downloadName ?? null]);
  return createHmac('sha256', secret).update(signed).digest();
}

/** Signs with HMAC-SHA256 over method, key, audience, expiry and download name. */
export function signObjectUrl(options: SignObjectUrlOptions): string {
  const { baseUrl, secret, key, method, audience, downloadName } = options;
  const expires = Math.ceil(options.expiresAt.getTime() / 1000);
  const signature = signatureOf(secret, { key, method, audience, expires, downloadName });
  const path = key.split('/').map(encodeURIComponent).join('/');
  const query = new URLSearchParams({ method, audience, expires: String(expires) });
  if (downloadName !== undefined) query.set('name', downloadName);
  query.set('signature', signature.toString('base64url'));
  return `${baseUrl.replace(/\/+$/, '')}${OBJECTS_PATH}${path}?${query}`;
}

/**
 * Judges a request for a signed URL. A GET signature also allows HEAD.
 *
 * @param request.key the path after `/v1/objects/`, percent-decoded
 * @param request.query the query string's fields, percent-decoded
 */
export function verifyObjectUrl(request: {
  secret: string;
  method: string;
  key: string;
  query: URLSearchParams | Readonly<Record<string, unknown>>;
  now?: Date;
}): VerifiedObjectUrl {
  const field = (name: string): string | undefined => {
    const value = request.query instanceof URLSearchParams ? request.query.get(name) : request.query[name];
    return typeof value === 'string' ? value : undefined;
  };
  const [method, audience, signature] = [field('method'), field('audience'), field('signature')];
  const expires = Number(field('expires') ?? Number.NaN);
  if ((method !== 'GET' && method !== 'PUT') || (audience !== 'internal' && audience !== 'public')) {
    return { valid: false, reason: 'malformed' };
  }
  if (!Number.isSafeInteger(expires) || signature === undefined) return { valid: false, reason: 'malformed' };

  const downloadName = field('name');
  const expected = signatureOf(request.secret, { key: request.key, method, audience, expires, downloadName });
  const given = Buffer.from(signature, 'base64url');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    return { valid: false, reason: 'signature' };
  }
  if ((request.now ?? new Date()).getTime() >= expires * 1000) return { valid: false, reason: 'expired' };
  const allowed = method === 'GET' ? ['GET', 'HEAD'] : ['PUT'];
  if (!allowed.includes(request.method)) return { valid: false, reason: 'method' };
  return { valid: true, method, audience, downloadName };
}
