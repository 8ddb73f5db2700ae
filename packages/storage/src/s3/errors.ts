import { StorageError, StorageFullError, StorageMisconfiguredError, StorageUnavailableError } from '../errors.js';

/** What the server said, or what happened on the way to it. */
export interface S3Failure {
  /** Endpoint and bucket. */
  where: string;
  /** The code of the server's response or of the connection's failure; empty where there was none. */
  reason: string;
  cause: unknown;
}

const detailsOf = ({ reason, cause }: S3Failure) => ({ cause, data: { reason } });

/** The server's response about one key of a batch that succeeded for others; `s3Error` gives it a name. */
export class S3ResponseError extends Error {
  readonly code: string;

  constructor(response: { Code?: string | undefined; Message?: string | undefined }) {
    super(response.Message);
    this.name = 'S3ResponseError';
    this.code = response.Code ?? '';
  }
}

export class S3FullError extends StorageFullError {
  constructor(failure: S3Failure) {
    const message = `The object storage ${failure.where} is full. Free some space or extend it.`;
    super(message, detailsOf(failure));
  }
}

export class S3AccessDeniedError extends StorageError {
  constructor(failure: S3Failure) {
    const remedy =
      failure.reason === 'RequestTimeTooSkewed'
        ? 'Set the clock of this machine.'
        : 'Check the access key, the secret key, the region and the permissions on the bucket.';
    const message = `The object storage ${failure.where} denies the farm access (${failure.reason}). ${remedy}`;
    super('storage-access-denied', message, detailsOf(failure));
  }
}

export class S3BucketMissingError extends StorageError {
  constructor(failure: S3Failure) {
    super('bucket-missing', `The bucket of ${failure.where} does not exist. Create it.`, detailsOf(failure));
  }
}

export class S3BucketNotCreatableError extends StorageError {
  constructor(bucket: string, cause: unknown) {
    const message = `The bucket "${bucket}" does not exist and these keys may not create it. Create it and start again.`;
    super('bucket-missing', message, { cause, data: { bucket } });
  }
}

/** The server's own limit, not the caller's. */
export class S3ObjectTooLargeError extends StorageError {
  constructor(failure: S3Failure) {
    const message = `The object storage ${failure.where} does not accept an object this large.`;
    super('object-too-large', message, detailsOf(failure));
  }
}

export class S3KeyRefusedError extends StorageError {
  constructor(failure: S3Failure) {
    const message = `The object storage ${failure.where} refuses the key (${failure.reason}).`;
    super('invalid-key', message, detailsOf(failure));
  }
}

export class S3UnavailableError extends StorageUnavailableError {
  constructor(failure: S3Failure) {
    const { where, reason, cause } = failure;
    const shown = reason || (cause instanceof Error ? cause.message : String(cause));
    const message = `The object storage ${where} is unavailable (${shown}).`;
    super(`${message} Check that it is running and that this machine can reach it.`, detailsOf(failure));
  }
}

export class CredentialFileUnreadableError extends StorageMisconfiguredError {
  constructor(name: string, file: string, cause: unknown) {
    const message = `The file ${file} with the storage's ${name} cannot be read. Check its path and its mode.`;
    super(message, { cause });
  }
}

export class CredentialFileEmptyError extends StorageMisconfiguredError {
  constructor(name: string, file: string) {
    super(`The file ${file} with the storage's ${name} is empty.`);
  }
}
