import type { Client } from 'minio';

/** Ends the multipart uploads of keys that begin with `prefix` and were begun before `limit`; returns how many. */
export async function sweepUploads(client: Client, bucket: string, prefix: string, limit: Date): Promise<number> {
  let removed = 0;
  for await (const upload of client.listIncompleteUploads(bucket, prefix, true)) {
    if (upload.initiated.getTime() >= limit.getTime()) continue;
    await client.abortMultipartUpload(bucket, upload.key, upload.uploadId);
    removed += 1;
  }
  return removed;
}
