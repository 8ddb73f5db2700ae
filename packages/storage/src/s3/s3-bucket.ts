import type { Client } from 'minio';
import { S3BucketNotCreatableError } from './errors.js';
import { codeOf, withRetry } from './s3-error.js';

/** Creates the bucket unless it exists; several processes may do so at the same time. */
export async function ensureBucket(client: Client, bucket: string, region: string): Promise<void> {
  try {
    if (await withRetry(() => client.bucketExists(bucket))) return;
  } catch (error) {
    // Keys that may not look at buckets may still be allowed to use the objects inside.
    if (codeOf(error) === 'AccessDenied') return;
    throw error;
  }
  try {
    await client.makeBucket(bucket, region);
  } catch (cause) {
    if (codeOf(cause) === 'BucketAlreadyOwnedByYou') return;
    if (codeOf(cause) !== 'AccessDenied') throw cause;
    throw new S3BucketNotCreatableError(bucket, cause);
  }
}
