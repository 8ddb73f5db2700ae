import { FarmError, type FarmErrorOptions } from '@farm/contracts';
import type { ByteRange } from './object-storage.js';

/** Every failure of an object storage. */
export abstract class StorageError extends FarmError {}

/** The storage does not respond, or responds that it cannot serve now. A later attempt may succeed. */
export abstract class StorageUnavailableError extends StorageError {
  constructor(message: string, options?: FarmErrorOptions) {
    super('storage-unavailable', message, options);
  }
}

export abstract class StorageFullError extends StorageError {
  constructor(message: string, options?: FarmErrorOptions) {
    super('storage-full', message, options);
  }
}

/** Settings with which the storage can never be used: a folder that cannot be one, a credentials file without content. */
export abstract class StorageMisconfiguredError extends StorageError {
  constructor(message: string, options?: FarmErrorOptions) {
    super('storage-misconfigured', message, options);
  }
}

/** A key that breaks the rules of `assertObjectKey`. */
export class InvalidObjectKeyError extends StorageError {
  constructor(key: string, fault: string) {
    super('invalid-key', `The object key ${JSON.stringify(key)} is refused: ${fault}.`, { data: { key } });
  }
}

/** @param size of the object in bytes, where it is known */
export class InvalidByteRangeError extends StorageError {
  constructor(key: string, range: ByteRange, size?: number) {
    const length = size === undefined ? '' : ` of ${size} bytes`;
    const message = `The object ${key}${length} has no bytes ${range.start} to ${range.end ?? 'the end'}.`;
    super('invalid-range', message, { data: { key, ...range } });
  }
}

export class SizeMismatchError extends StorageError {
  constructor(key: string, expected: number, seen: number) {
    const message =
      `The body for ${key} was announced with ${expected} bytes and has ${seen > expected ? 'more' : 'fewer'} ` +
      `(${seen} seen); nothing was stored. Send it again with its true size.`;
    super('size-mismatch', message, { data: { key, expected, seen } });
  }
}

/** A body that is larger than the caller allows. */
export class ObjectTooLargeError extends StorageError {
  constructor(key: string, maximumSize: number) {
    const message = `The body for ${key} is larger than the ${maximumSize} bytes allowed; nothing was stored.`;
    super('object-too-large', message, { data: { key, maximumSize } });
  }
}

export class InvalidPresignLifetimeError extends StorageError {
  constructor(expiresInSeconds: number, maximumSeconds: number) {
    const message = `A signed URL is valid for 1 to ${maximumSeconds} seconds (7 days), not ${expiresInSeconds}.`;
    super('invalid-presign', message, { data: { expiresInSeconds } });
  }
}

export class ProbeObjectLostError extends StorageUnavailableError {
  constructor() {
    super('The storage did not return the probe object that was written.');
  }
}

/** A setting of the environment that the chosen storage needs and does not have. */
export class StorageSettingMissingError extends FarmError {
  constructor(
    readonly variable: string,
    storage: string,
  ) {
    super('configuration', `Set ${variable}: FARM_STORAGE=${storage} needs it.`);
  }
}

export class SigningSecretUnreadableError extends FarmError {
  constructor(file: string, cause: unknown) {
    super('configuration', `FARM_SIGNING_SECRET_FILE is ${file}, which cannot be read. Check its path and its mode.`, {
      cause,
    });
  }
}
