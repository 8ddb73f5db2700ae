import { type ErrorCode, FarmError, meaningOf, type Problem } from '@farm/contracts';
import { FarmIdentityError, isRedisUnavailable } from '@farm/records';
import { StorageError } from '@farm/storage';
import type { FastifyError } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { frameworkRefusals } from './framework-refusals.js';

interface Answer {
  code: string;
  detail: string;
  /** Only where it differs from the one that the code stands for. */
  status?: number;
  data?: Readonly<Record<string, unknown>>;
}

/** What a client sees of failures whose own messages describe the farm's internals. */
const masked = {
  'storage-full': 'The storage of the farm is full. Nothing was kept; send this again when there is room.',
  'storage-unavailable':
    'The farm cannot reach its object storage. Nothing was kept; send the request again in a moment.',
  'redis-unavailable': 'The farm cannot reach its records. Nothing was changed; send the request again in a moment.',
  internal: 'Something failed inside the farm; its log has the details under the request id in `instance`.',
} as const satisfies Partial<Record<ErrorCode, string>>;

const mask = (code: keyof typeof masked): Answer => ({ code, detail: masked[code] });

function answerTo(error: unknown): Answer {
  if (error instanceof StorageError && error.status >= 500)
    return mask(error.code === 'storage-full' ? 'storage-full' : 'storage-unavailable');
  if (isDiskFull(error)) return mask('storage-full');
  if (error instanceof FarmIdentityError) return { code: error.code, detail: error.publicMessage };
  if (error instanceof FarmError && (error.status < 500 || error.status === 503))
    return { code: error.code, detail: error.message, data: error.data };
  if (isRedisUnavailable(error)) return mask('redis-unavailable');
  if (hasZodFastifySchemaValidationErrors(error)) return validationAnswer(error);
  return frameworkAnswer(error as Partial<FastifyError>) ?? mask('internal');
}

/** The disk on which inputs are judged, as opposed to the storage. */
const isDiskFull = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');

function frameworkAnswer({ code = '', statusCode = 500, message }: Partial<FastifyError>): Answer | undefined {
  const known = frameworkRefusals[code];
  if (known !== undefined || statusCode < 400 || statusCode >= 500) return known;
  return { code: 'bad-request', status: statusCode, detail: message ?? 'The request cannot be read.' };
}

function validationAnswer(error: { validation: { instancePath: string; message?: string | undefined }[] }): Answer {
  const errors = error.validation.map(({ instancePath, message }) => ({
    field: instancePath.slice(1).replaceAll('/', '.'),
    message: message ?? 'is wrong',
  }));
  return {
    code: 'invalid-request',
    detail: errors.map(({ field, message }) => (field ? `${field}: ${message}` : message)).join(' '),
    data: { errors },
  };
}

/** An error as a problem document (RFC 9457), with nothing internal in a 5xx. */
export function problemOf(error: unknown, requestId: string): Problem {
  const answer = answerTo(error);
  const { code, detail, data } = answer;
  const { status, title } = meaningOf(code);
  const members = {
    type: `urn:farm:problem:${code}`,
    title,
    status: answer.status ?? status,
    detail,
    code,
    instance: `urn:farm:request:${requestId}`,
  };
  // An error's own data never replaces a standard member.
  return { ...members, ...data, ...members };
}
