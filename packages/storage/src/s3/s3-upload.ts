import type { Readable } from 'node:stream';
import type { Client } from 'minio';
import { withRetry } from './s3-error.js';

/** S3 allows 10,000 parts: 156 GiB with the smallest. */
const PART_BYTES = 16 * 1024 * 1024;
const MAXIMUM_PARTS = 10_000;
const TIB = 1024 ** 4;

/** Cuts a stream into buffers of `bytes` each; the last one may be shorter, and is the only one of an empty stream. */
export async function* blocksOf(stream: Readable, bytes: number): AsyncGenerator<Buffer> {
  let pending: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    pending.push(chunk);
    length += chunk.length;
    if (length <= bytes) continue;
    const joined = Buffer.concat(pending);
    let offset = 0;
    // The last full block waits: whether it ends the stream decides how it is sent.
    for (; joined.length - offset > bytes; offset += bytes) yield joined.subarray(offset, offset + bytes);
    pending = [joined.subarray(offset)];
    length = joined.length - offset;
  }
  yield Buffer.concat(pending);
}

const partBytesFor = (size: number | undefined): number =>
  size === undefined ? PART_BYTES : Math.max(PART_BYTES, Math.ceil(Math.min(size, 5 * TIB) / MAXIMUM_PARTS));

/**
 * Sends a stream as one PUT or, where it is longer than a part, as a multipart upload of its own. Not by the client's
 * `putObject`: that goes on with whichever upload of the same key it finds, so two at once mix their parts.
 */
export async function uploadStream(options: {
  client: Client;
  bucket: string;
  key: string;
  stream: Readable;
  size: number | undefined;
  contentType: string;
  signal: AbortSignal | undefined;
  /** Runs a call that an abort of `signal` does not end. */
  beyondAbort: (call: () => Promise<void>) => Promise<void>;
}): Promise<void> {
  const { client, bucket, key, stream, size, contentType, signal } = options;
  const headers = { 'content-type': contentType };
  let uploadId: string | undefined;
  let previous: Buffer | undefined;
  const parts: { part: number; etag: string }[] = [];
  const sendPart = async (block: Buffer) => {
    const id = uploadId ?? (await withRetry(() => client.initiateNewMultipartUpload(bucket, key, headers), signal));
    uploadId = id;
    const partNumber = parts.length + 1;
    const part = { bucketName: bucket, objectName: key, uploadID: id, partNumber, headers: {} };
    const { etag } = await withRetry(() => client.uploadPart(part, block), signal);
    parts.push({ part: partNumber, etag });
  };
  try {
    for await (const block of blocksOf(stream, partBytesFor(size))) {
      if (previous !== undefined) await sendPart(previous);
      previous = block;
    }
    const last = previous ?? Buffer.alloc(0);
    signal?.throwIfAborted();
    if (uploadId === undefined) {
      await withRetry(() => client.putObject(bucket, key, last, last.length, headers), signal);
      return;
    }
    await sendPart(last);
    await client.completeMultipartUpload(bucket, key, uploadId, parts);
  } catch (error) {
    // What cannot be reached now is left to the sweep of unfinished uploads.
    const id = uploadId;
    if (id !== undefined) {
      await options.beyondAbort(() => client.abortMultipartUpload(bucket, key, id)).catch(() => undefined);
    }
    throw error;
  }
}
