import { StorageError, StorageFullError, StorageMisconfiguredError, StorageUnavailableError } from '../errors.js';

/** What the operating system said about a call below `directory`. */
export interface FilesystemFailure {
  directory: string;
  errno: string;
  cause: unknown;
}

const detailsOf = ({ errno, cause }: FilesystemFailure) => ({ cause, data: { errno } });

export class DiskFullError extends StorageFullError {
  constructor(failure: FilesystemFailure) {
    const message = `No space is left below ${failure.directory}. Free some space or give the farm a larger volume.`;
    super(message, detailsOf(failure));
  }
}

export class DiskQuotaReachedError extends StorageFullError {
  constructor(failure: FilesystemFailure) {
    const message = `The disk quota below ${failure.directory} is used up. Free some space or raise the quota.`;
    super(message, detailsOf(failure));
  }
}

export class FolderForbiddenError extends StorageMisconfiguredError {
  constructor(failure: FilesystemFailure) {
    const message = `The farm is not allowed to read or write below ${failure.directory}. Grant its user access.`;
    super(message, detailsOf(failure));
  }
}

export class FolderReadOnlyError extends StorageMisconfiguredError {
  constructor(failure: FilesystemFailure) {
    super(`${failure.directory} is mounted read-only. Mount it writable.`, detailsOf(failure));
  }
}

export class NotAFolderError extends StorageMisconfiguredError {
  constructor(failure: FilesystemFailure) {
    super(`${failure.directory} is not a folder. Choose another one.`, detailsOf(failure));
  }
}

export class FolderUnavailableError extends StorageUnavailableError {
  constructor(failure: FilesystemFailure) {
    const message = `The folder ${failure.directory} cannot be used (${failure.errno}).`;
    super(`${message} Check that its volume is mounted and healthy.`, detailsOf(failure));
  }
}

/** One key needs a folder where another has an object: `a` and `a/b`. Only S3 holds both. */
export class ObjectKeyConflictError extends StorageError {
  constructor(key: string, cause: unknown) {
    const message = `The object key ${key} is refused: there is an object where it needs a folder, or the reverse.`;
    super('invalid-key', message, { cause, data: { key } });
  }
}
