import { FarmError } from '@farm/contracts';

const statusOf = {
  /** A key that breaks the rules of `assertObjectKey`, or that lies below another object. */
  'invalid-key': 400,
  'invalid-range': 416,
  'size-mismatch': 400,
  'object-too-large': 413,
  /** The storage does not answer, or answers that it cannot serve now. */
  'storage-unavailable': 503,
  'storage-full': 507,
  /** Wrong credentials or missing rights. */
  'storage-access-denied': 503,
  'bucket-missing': 503,
  /** Another farm's root, or a folder that cannot be one. */
  'storage-misconfigured': 500,
  'invalid-presign': 400,
} as const;

export type StorageErrorCode = keyof typeof statusOf;

export class StorageError extends FarmError {
  declare readonly code: StorageErrorCode;

  constructor(
    code: StorageErrorCode,
    message: string,
    options: { data?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super(code, message, { ...options, status: statusOf[code] });
    this.name = 'StorageError';
  }
}
