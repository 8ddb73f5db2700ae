export { createStorage } from './create-storage.js';
export { assertObjectKey } from './object-key.js';
export type * from './object-storage.js';
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
export { FilesystemStorageConfig, S3StorageConfig, StorageConfig } from './storage-config.js';
export { StorageEnvironment, storageConfigFromEnvironment } from './storage-environment.js';
export { StorageError, type StorageErrorCode } from './storage-error.js';
