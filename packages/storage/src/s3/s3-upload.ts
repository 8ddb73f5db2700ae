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

export interface UploadOptions {
  client: Client;
  bucket: string;
  key: string;
  stream: Readable;
  size: number | undefined;
  contentType: string;
  signal: AbortSignal | undefined;
  /** Runs a call that an abort of `signal` does not end. */
  cleanUp: (call: () => Promise<void>) => Promise<void>;
}

/** Begins with the first part. */
class MultipartUpload {
  readonly #options: UploadOptions;
  readonly #parts: { part: number; etag: string }[] = [];
  #id: string | undefined;

  constructor(options: UploadOptions) {
    this.#options = options;
  }

  get isBegun(): boolean {
    return this.#id !== undefined;
  }

  async sendPart(block: Buffer): Promise<void> {
    const { client, bucket, key, contentType, signal } = this.#options;
    const headers = { 'content-type': contentType };
    this.#id ??= await withRetry(() => client.initiateNewMultipartUpload(bucket, key, headers), signal);
    const partNumber = this.#parts.length + 1;
    const part = { bucketName: bucket, objectName: key, uploadID: this.#id, partNumber, headers: {} };
    const { etag } = await withRetry(() => client.uploadPart(part, block), signal);
    this.#parts.push({ part: partNumber, etag });
  }

  async complete(): Promise<void> {
    const { client, bucket, key } = this.#options;
    if (this.#id !== undefined) await client.completeMultipartUpload(bucket, key, this.#id, this.#parts);
  }

  async abort(): Promise<void> {
    const { client, bucket, key, cleanUp } = this.#options;
    const id = this.#id;
    if (id !== undefined) await cleanUp(() => client.abortMultipartUpload(bucket, key, id));
  }
}

/**
 * Sends a stream as one PUT or, where it is longer than a part, as a multipart upload of its own. The client's
 * `putObject` would not do for streams: it continues any upload of the same key that it finds, so two concurrent ones
 * mix their parts.
 */
export async function uploadStream(options: UploadOptions): Promise<void> {
  const { client, bucket, key, stream, size, contentType, signal } = options;
  const upload = new MultipartUpload(options);
  let pending: Buffer | undefined;
  try {
    for await (const block of blocksOf(stream, partBytesFor(size))) {
      if (pending !== undefined) await upload.sendPart(pending);
      pending = block;
    }
    const last = pending ?? Buffer.alloc(0);
    signal?.throwIfAborted();
    if (upload.isBegun) {
      await upload.sendPart(last);
      await upload.complete();
      return;
    }
    const headers = { 'content-type': contentType };
    await withRetry(() => client.putObject(bucket, key, last, last.length, headers), signal);
  } catch (error) {
    // If the server cannot be reached now, the sweep of unfinished uploads removes the parts.
    await upload.abort().catch(() => undefined);
    throw error;
  }
}
