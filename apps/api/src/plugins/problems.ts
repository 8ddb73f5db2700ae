import { FarmError, type Problem } from '@farm/contracts';
import { isRedisUnavailable } from '@farm/records';
import { StorageError } from '@farm/storage';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import fastifyPlugin from 'fastify-plugin';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { frameworkProblems } from './framework-problems.js';

const RETRY_AFTER_SECONDS = 5;

interface Answer {
  status: number;
  code: string;
  detail: string;
  data?: Readonly<Record<string, unknown>>;
}

const titles: Readonly<Record<number, string>> = {
  400: 'The request is malformed',
  401: 'No valid key',
  403: 'Not allowed',
  404: 'Not found',
  405: 'Method not allowed',
  406: 'Not acceptable',
  408: 'The request took too long',
  409: 'Not possible in this state',
  410: 'Gone',
  413: 'Too large',
  415: 'Unsupported media type',
  416: 'No such range',
  431: 'The headers are too large',
  422: 'The contents cannot be used',
  429: 'A limit is reached',
  500: 'Something failed in the farm',
  503: 'Not available now',
  507: 'The storage is full',
};

function answerTo(error: unknown): Answer {
  if (error instanceof StorageError && error.status >= 500) return error.code === 'storage-full' ? full : away;
  if (isDiskFull(error)) return full;
  if (error instanceof FarmError && (error.status < 500 || error.status === 503))
    return { status: error.status, code: error.code, detail: error.message, data: error.data };
  if (isRedisUnavailable(error))
    return {
      status: 503,
      code: 'redis-unavailable',
      detail: 'The farm cannot reach its records. Nothing was changed; send the request again in a moment.',
    };
  if (hasZodFastifySchemaValidationErrors(error)) return validationAnswer(error);
  const { code, statusCode = 500, message } = error as Partial<FastifyError>;
  const known = frameworkProblems[code ?? ''];
  if (known) return { ...known, detail: known.detail ?? message ?? '' };
  if (statusCode >= 400 && statusCode < 500)
    return { status: statusCode, code: 'bad-request', detail: message ?? 'The request cannot be read.' };
  return {
    status: 500,
    code: 'internal',
    detail: 'Something failed inside the farm; its log has the details under the request id in `instance`.',
  };
}

const full: Answer = {
  status: 507,
  code: 'storage-full',
  detail: 'The storage of the farm is full. Nothing was kept; send this again when there is room.',
};

const away: Answer = {
  status: 503,
  code: 'storage-unavailable',
  detail: 'The farm cannot reach its object storage. Nothing was kept; send the request again in a moment.',
};

/** The disk on which inputs are judged, as opposed to the storage. */
const isDiskFull = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');

function validationAnswer(error: { validation: { instancePath: string; message?: string | undefined }[] }): Answer {
  const errors = error.validation.map(({ instancePath, message }) => ({
    field: instancePath.slice(1).replaceAll('/', '.'),
    message: message ?? 'is wrong',
  }));
  return {
    status: 400,
    code: 'invalid-request',
    detail: errors.map(({ field, message }) => (field ? `${field}: ${message}` : message)).join(' '),
    data: { errors },
  };
}

export function problemOf(error: unknown, requestId: string): Problem {
  const { status, code, detail, data } = answerTo(error);
  const members = {
    type: `urn:farm:problem:${code}`,
    title: titles[status] ?? 'The request failed',
    status,
    detail,
    code,
    instance: `urn:farm:request:${requestId}`,
  };
  // An error's own data never replaces a standard member.
  return { ...members, ...data, ...members };
}

export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = problemOf(error, request.id);
  if (problem.status >= 500) request.log.error({ err: error }, 'request failed');
  if (problem.status === 503) reply.header('retry-after', RETRY_AFTER_SECONDS);
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer realm="farm"');
  return reply
    .status(problem.status)
    .header('content-type', 'application/problem+json; charset=utf-8')
    .serializer((body: unknown) => JSON.stringify(body))
    .send(problem);
}

/** The one place where errors become answers: RFC 9457 problem documents, with nothing of the inside in a 5xx. */
export const problems = fastifyPlugin(async (app) => {
  app.setErrorHandler(sendProblem);
});
