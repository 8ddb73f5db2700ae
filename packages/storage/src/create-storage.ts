import { FilesystemStorage } from './filesystem/filesystem-storage.js';
import type { ObjectStorage } from './object-storage.js';
import { readCredential } from './s3/read-credential.js';
import { S3Storage } from './s3/s3-storage.js';
import { StorageConfig } from './storage-config.js';

/**
 * Opens the storage that `config` describes. S3 is not asked yet, so that a program can start before its storage; the
 * first call makes a missing bucket, where the keys allow it.
 *
 * @throws ZodError for a config that breaks its schema
 * @throws StorageError `storage-misconfigured` for a folder or a credentials file that cannot be used
 */
export async function createStorage(config: StorageConfig): Promise<ObjectStorage> {
  const checked = StorageConfig.parse(config);
  if (checked.kind === 'filesystem') return await FilesystemStorage.open(checked);
  return new S3Storage({
    ...checked,
    accessKeyId: await readCredential('accessKeyId', checked.accessKeyId),
    secretAccessKey: await readCredential('secretAccessKey', checked.secretAccessKey),
  });
}
