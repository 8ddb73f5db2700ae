export { createStorage } from './create-storage.js';
export * from './errors.js';
export * from './filesystem/errors.js';
export { assertObjectKey } from './object-key.js';
export type * from './object-storage.js';
export { readStorageConfiguration, StorageEnvironment } from './read-storage-configuration.js';
export * from './s3/errors.js';
export { resolveRange, type ServedObject, type ServeObjectOptions, serveObject } from './serve-object.js';
export {
  MAXIMUM_PRESIGN_SECONDS,
  OBJECTS_PATH,
  type SignedMethod,
  type SignObjectUrlOptions,
  signObjectUrl,
  type VerifiedObjectUrl,
  verifyObjectUrl,
} from './signed-object-url.js';
export {
  FilesystemStorageConfiguration,
  S3StorageConfiguration,
  StorageConfiguration,
} from './storage-configuration.js';
