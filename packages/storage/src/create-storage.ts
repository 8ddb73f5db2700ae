import { FilesystemStorage } from './filesystem/filesystem-storage.js';
import type { ObjectStorage } from './object-storage.js';
import { readCredential } from './s3/read-credential.js';
import { S3Storage } from './s3/s3-storage.js';
import { StorageConfiguration } from './storage-configuration.js';

/**
 * Opens the storage that `configuration` describes. S3 is not contacted yet, so that a program can start before its
 * storage; the first call creates a missing bucket, where the keys allow it.
 *
 * @throws ZodError for a configuration that breaks its schema
 * @throws StorageMisconfiguredError for a folder or a credentials file that cannot be used
 */
export async function createStorage(configuration: StorageConfiguration): Promise<ObjectStorage> {
  const checked = StorageConfiguration.parse(configuration);
  if (checked.kind === 'filesystem') return await FilesystemStorage.open(checked);
  return new S3Storage({
    ...checked,
    accessKeyId: await readCredential('accessKeyId', checked.accessKeyId),
    secretAccessKey: await readCredential('secretAccessKey', checked.secretAccessKey),
  });
}
