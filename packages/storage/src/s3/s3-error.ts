import { setTimeout as sleep } from 'node:timers/promises';
import { StorageError, type StorageErrorCode } from '../storage-error.js';

const full = ['XMinioStorageFull', 'QuotaExceeded', 'XMinioAdminBucketQuotaExceeded', 'InsufficientCapacity'];
const refused = [
  'AccessDenied',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'RequestTimeTooSkewed',
  'ExpiredToken',
  'InvalidToken',
];

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';

/** The server has no such object. */
export const isAbsentObject = (error: unknown): boolean => ['NoSuchKey', 'NotFound'].includes(codeOf(error));

/** The connection failed under the request, or the server asks to come again: the same call may succeed now. */
function mayRetry(error: unknown): boolean {
  if (['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ECONNABORTED', 'SlowDown'].includes(codeOf(error))) return true;
  // The client's own words for a 5xx answer: it drops the body, and with it the code.
  return error instanceof Error && error.message.includes('Retryable HTTP status');
}

function sentence(error: unknown, where: string): [StorageErrorCode, string] {
  const code = codeOf(error);
  if (full.includes(code))
    return ['storage-full', `The object storage ${where} is full. Free some space or give it more.`];
  if (refused.includes(code)) {
    const hint =
      code === 'RequestTimeTooSkewed'
        ? 'Set the clock of this machine.'
        : 'Check the access key, the secret key, the region and the rights on the bucket.';
    return ['storage-access-denied', `The object storage ${where} refuses the farm (${code}). ${hint}`];
  }
  if (code === 'NoSuchBucket') return ['bucket-missing', `The bucket of ${where} does not exist. Create it.`];
  if (code === 'EntityTooLarge') return ['object-too-large', `The object storage ${where} holds no object that large.`];
  if (
    code === 'XMinioParentIsObject' ||
    code === 'XMinioObjectExistsAsDirectory' ||
    code === 'XMinioInvalidObjectName'
  ) {
    return ['invalid-key', `The object storage ${where} refuses the key (${code}).`];
  }
  const reason = code || (error instanceof Error ? error.message : String(error));
  return [
    'storage-unavailable',
    `The object storage ${where} does not serve the farm (${reason}). Check that it runs and that this machine reaches it.`,
  ];
}

/** Names a failure of the server or of the way to it; an abort and what is already a `StorageError` pass through. */
export function s3Error(error: unknown, where: string, signal?: AbortSignal): unknown {
  if (signal?.aborted) return signal.reason;
  if (error instanceof StorageError) return error;
  const [code, message] = sentence(error, where);
  return new StorageError(code, message, { cause: error, data: { reason: codeOf(error) } });
}

// The first try may go to a kept connection that the server has closed meanwhile, and so count for nothing.
const RETRY_DELAYS_MS = [50, 200, 800];

/** Runs an idempotent call again, three times at most, when the connection failed under it. */
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
