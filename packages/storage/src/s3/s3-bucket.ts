import type { Client } from 'minio';
import { StorageError } from '../storage-error.js';
import { withRetry } from './s3-error.js';

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);

/** Makes the bucket unless it is there; several processes may do so at once. */
export async function ensureBucket(client: Client, bucket: string, region: string): Promise<void> {
  try {
    if (await withRetry(() => client.bucketExists(bucket))) return;
  } catch (error) {
    // Keys without the right to look at buckets may still have rights on the objects inside.
    if (codeOf(error) === 'AccessDenied') return;
    throw error;
  }
  try {
    await client.makeBucket(bucket, region);
  } catch (cause) {
    if (codeOf(cause) === 'BucketAlreadyOwnedByYou') return;
    if (codeOf(cause) !== 'AccessDenied') throw cause;
    const message = `The bucket "${bucket}" does not exist and these keys may not make it. Create it and start again.`;
    throw new StorageError('bucket-missing', message, { cause, data: { bucket } });
  }
}
