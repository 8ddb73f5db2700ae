import type { Client } from 'minio';

/** Aborts the multipart uploads of keys that begin with `prefix` and were begun before a time; returns how many. */
export async function sweepUploads(
  client: Client,
  bucket: string,
  { prefix, before }: { prefix: string; before: Date },
): Promise<number> {
  let removed = 0;
  for await (const upload of client.listIncompleteUploads(bucket, prefix, true)) {
    if (upload.initiated.getTime() >= before.getTime()) continue;
    await client.abortMultipartUpload(bucket, upload.key, upload.uploadId);
    removed += 1;
  }
  return removed;
}
