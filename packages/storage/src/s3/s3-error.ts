import { setTimeout as sleep } from 'node:timers/promises';
import { StorageError } from '../errors.js';
import {
  S3AccessDeniedError,
  S3BucketMissingError,
  type S3Failure,
  S3FullError,
  S3KeyRefusedError,
  S3ObjectTooLargeError,
  S3UnavailableError,
} from './errors.js';

const errorByCode: Readonly<Record<string, new (failure: S3Failure) => StorageError>> = {
  XMinioStorageFull: S3FullError,
  QuotaExceeded: S3FullError,
  XMinioAdminBucketQuotaExceeded: S3FullError,
  InsufficientCapacity: S3FullError,
  AccessDenied: S3AccessDeniedError,
  InvalidAccessKeyId: S3AccessDeniedError,
  SignatureDoesNotMatch: S3AccessDeniedError,
  RequestTimeTooSkewed: S3AccessDeniedError,
  ExpiredToken: S3AccessDeniedError,
  InvalidToken: S3AccessDeniedError,
  NoSuchBucket: S3BucketMissingError,
  EntityTooLarge: S3ObjectTooLargeError,
  XMinioParentIsObject: S3KeyRefusedError,
  XMinioObjectExistsAsDirectory: S3KeyRefusedError,
  XMinioInvalidObjectName: S3KeyRefusedError,
};

/** The code of the server's response, or of the connection's failure. */
export const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';

/** The server has no such object. */
export const isAbsentObject = (error: unknown): boolean => ['NoSuchKey', 'NotFound'].includes(codeOf(error));

/** The connection failed during the request, or the server asks to retry: the same call may succeed now. */
function mayRetry(error: unknown): boolean {
  if (['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ECONNABORTED', 'SlowDown'].includes(codeOf(error))) return true;
  // The client's own message for a 5xx response: it drops the body, and with it the code.
  return error instanceof Error && error.message.includes('Retryable HTTP status');
}

/** Names a failure of the server or of the connection to it; an abort, and what is a `StorageError`, pass through. */
export function s3Error(error: unknown, where: string, signal?: AbortSignal): unknown {
  if (signal?.aborted) return signal.reason;
  if (error instanceof StorageError) return error;
  const reason = codeOf(error);
  const NamedError = errorByCode[reason] ?? S3UnavailableError;
  return new NamedError({ where, reason, cause: error });
}

// The first attempt may use a kept connection that the server has closed meanwhile, and so prove nothing.
const RETRY_DELAYS_MS = [50, 200, 800];

/** Runs an idempotent call, and again up to three times when the connection fails during it. */
export async function withRetry<Result>(call: () => Promise<Result>, signal?: AbortSignal): Promise<Result> {
  for (const delay of RETRY_DELAYS_MS) {
    try {
      return await call();
    } catch (error) {
      if (signal?.aborted || !mayRetry(error)) throw error;
      await sleep(delay, undefined, signal ? { signal } : {});
    }
  }
  return await call();
}
