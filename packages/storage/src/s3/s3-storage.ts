import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { PassThrough, type Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import type { Client } from 'minio';
import { contentDisposition } from '../content-disposition.js';
import { contentTypeOfKey } from '../content-type.js';
import { assertAllowedSize, openBody, SizeGuard } from '../object-body.js';
import { assertObjectKey, assertWritableKey, isReservedKey } from '../object-key.js';
import type {
  ByteRange,
  CallOptions,
  ListedObject,
  ObjectBody,
  ObjectInfo,
  ObjectStorage,
  PresignGetOptions,
  PresignOptions,
  PutOptions,
  StoredObject,
} from '../object-storage.js';
import { probeStorage } from '../probe-storage.js';
import { invalidRange } from '../resolve-byte-range.js';
import { saveStream } from '../save-stream.js';
import { assertPresignLifetime } from '../signed-object-url.js';
import type { S3StorageConfig } from '../storage-config.js';
import { orAborted } from './or-aborted.js';
import { ensureBucket } from './s3-bucket.js';
import { createClient } from './s3-client.js';
import { isAbsentObject, s3Error, withRetry } from './s3-error.js';
import { S3Transport, type TransportTimeouts } from './s3-transport.js';
import { uploadStream } from './s3-upload.js';
import { sweepUploads } from './sweep-uploads.js';

const ROOT_ID_KEY = '.farm-root';
const CLEANUP_TIMEOUT_MS = 10_000;

export interface S3StorageSettings extends Omit<S3StorageConfig, 'accessKeyId' | 'secretAccessKey'> {
  accessKeyId: string;
  secretAccessKey: string;
}

/** Objects in one bucket of an S3 server, through the subset of S3 that every server has. */
export class S3Storage implements ObjectStorage {
  readonly kind = 's3';
  readonly description: string;
  readonly #bucket: string;
  readonly #region: string;
  readonly #transport: S3Transport;
  readonly #client: Client;
  /** Signs only: a signature covers the host. */
  readonly #publicClient: Client;
  #bucketReady: Promise<void> | undefined;

  constructor(settings: S3StorageSettings, timeouts: TransportTimeouts = { connectMs: 3000, idleMs: 30_000 }) {
    this.description = `${settings.endpoint.replace(/\/$/, '')}/${settings.bucket}`;
    this.#bucket = settings.bucket;
    this.#region = settings.region;
    this.#transport = new S3Transport(settings.endpoint.startsWith('https:'), timeouts);
    this.#client = createClient(settings.endpoint, settings, this.#transport);
    this.#publicClient = createClient(settings.publicEndpoint ?? settings.endpoint, settings, this.#transport);
  }

  async rootId(options: CallOptions = {}): Promise<string> {
    return await this.#call(options.signal, async () => {
      const id = Buffer.from(randomUUID());
      try {
        // The first writer wins. A server that ignores the condition may answer a race with two ids in a row, which a
        // worker then sees as two roots and refuses to start: never a silent mix.
        await this.#client.putObject(this.#bucket, ROOT_ID_KEY, id, id.length, { 'if-none-match': '*' });
      } catch (error) {
        if (!isPreconditionFailed(error)) throw error;
      }
      return await text(await this.#client.getObject(this.#bucket, ROOT_ID_KEY));
    });
  }

  async put(key: string, body: ObjectBody, options: PutOptions = {}): Promise<{ size: number }> {
    assertWritableKey(key);
    return await this.#put(key, body, options);
  }

  async #put(key: string, body: ObjectBody, options: PutOptions): Promise<{ size: number }> {
    const { signal } = options;
    const { stream, size } = await openBody(body, options);
    try {
      assertAllowedSize(key, size, options.maximumSize);
      const guard = new SizeGuard(key, { ...options, ...(size === undefined ? {} : { size }) });
      await this.#call(signal, async () => {
        const upload = this.#upload(key, guard, size, options);
        await Promise.all([pipeline(stream, guard, signal ? { signal, end: true } : {}), upload]);
      });
      return { size: guard.bytes };
    } finally {
      stream.destroy();
    }
  }

  async #upload(key: string, guard: SizeGuard, size: number | undefined, options: PutOptions): Promise<void> {
    try {
      await uploadStream({
        client: this.#client,
        bucket: this.#bucket,
        key,
        stream: guard,
        size,
        contentType: options.contentType ?? contentTypeOfKey(key),
        signal: options.signal,
        beyondAbort: (call) => this.#transport.withSignal(AbortSignal.timeout(CLEANUP_TIMEOUT_MS), call),
      });
    } catch (error) {
      guard.destroy(error instanceof Error ? error : new Error(String(error)));
      throw error;
    }
  }

  async get(key: string, options: CallOptions & { range?: ByteRange } = {}): Promise<StoredObject | undefined> {
    assertObjectKey(key);
    const { signal, range } = options;
    if (range !== undefined && (range.start < 0 || (range.end ?? range.start) < range.start)) {
      throw invalidRange(key, range);
    }
    return await this.#call(signal, async () => {
      const response = await this.#request(key, range, signal);
      if (response === undefined) return undefined;
      const info = infoFromHeaders(key, response.headers);
      const stream = this.#namedErrors(response, signal);
      const sent = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(response.headers['content-range'] ?? '');
      if (sent === null) return { ...info, start: 0, end: info.size - 1, stream };
      return { ...info, size: Number(sent[3]), start: Number(sent[1]), end: Number(sent[2]), stream };
    });
  }

  async #request(
    key: string,
    range: ByteRange | undefined,
    signal?: AbortSignal,
  ): Promise<IncomingMessage | undefined> {
    const send = () => {
      if (range === undefined) return this.#client.getObject(this.#bucket, key);
      const length = range.end === undefined ? 0 : range.end - range.start + 1;
      // Offset and length 0 mean no range to the client; the whole object is the same bytes.
      return this.#client.getPartialObject(this.#bucket, key, range.start, length);
    };
    try {
      return (await withRetry(send, signal)) as IncomingMessage;
    } catch (error) {
      if (isAbsentObject(error)) return undefined;
      if (range !== undefined && codeOf(error) === 'InvalidRange') throw invalidRange(key, range);
      throw error;
    }
  }

  /** A connection that breaks while the body comes ends the stream with a `StorageError`. */
  #namedErrors(response: IncomingMessage, signal: AbortSignal | undefined): Readable {
    const stream = new PassThrough();
    response.on('error', (error) => stream.destroy(s3Error(error, this.description, signal) as Error));
    stream.on('close', () => response.destroy());
    return response.pipe(stream);
  }

  async getToFile(key: string, filePath: string, options: CallOptions = {}): Promise<ObjectInfo | undefined> {
    const object = await this.get(key, options);
    if (object === undefined) return undefined;
    await saveStream(object.stream, filePath, options.signal);
    const { size, contentType, modifiedAt } = object;
    return { size, contentType, modifiedAt };
  }

  async head(key: string, options: CallOptions = {}): Promise<ObjectInfo | undefined> {
    assertObjectKey(key);
    return await this.#call(options.signal, async () => {
      try {
        const status = await withRetry(() => this.#client.statObject(this.#bucket, key), options.signal);
        const contentType: unknown = status.metaData['content-type'];
        return {
          size: status.size,
          contentType: typeof contentType === 'string' ? contentType : contentTypeOfKey(key),
          modifiedAt: status.lastModified,
        };
      } catch (error) {
        if (isAbsentObject(error)) return undefined;
        throw error;
      }
    });
  }

  async delete(keys: readonly string[], options: CallOptions = {}): Promise<void> {
    for (const key of keys) assertWritableKey(key);
    await this.#delete(keys, options);
  }

  async #delete(keys: readonly string[], options: CallOptions): Promise<void> {
    await this.#call(options.signal, async () => {
      for (let first = 0; first < keys.length; first += 1000) {
        const batch = keys.slice(first, first + 1000);
        const answers = await withRetry(() => this.#client.removeObjects(this.#bucket, [...batch]), options.signal);
        const failed = answers.map((answer) => answer?.Error).find((error) => error && error.Code !== 'NoSuchKey');
        if (failed) throw Object.assign(new Error(failed.Message), { code: failed.Code });
      }
    });
  }

  async *list(prefix: string, options: CallOptions = {}): AsyncGenerator<ListedObject> {
    const { signal } = options;
    let token = '';
    do {
      const page = await this.#call(signal, () =>
        withRetry(() => this.#client.listObjectsV2Query(this.#bucket, prefix, token, '', 1000, ''), signal),
      );
      for (const object of page.objects) {
        if (object.name === undefined || isReservedKey(object.name)) continue;
        yield { key: object.name, size: object.size, modifiedAt: object.lastModified };
      }
      token = page.isTruncated ? page.nextContinuationToken : '';
    } while (token !== '');
  }

  async presignGet(key: string, options: PresignGetOptions): Promise<string> {
    assertObjectKey(key);
    assertPresignLifetime(options.expiresInSeconds);
    const { downloadName, audience, expiresInSeconds } = options;
    const headers: Record<string, string> = {};
    if (downloadName !== undefined) {
      headers['response-content-disposition'] = contentDisposition(key, contentTypeOfKey(key), downloadName);
    }
    const client = audience === 'internal' ? this.#client : this.#publicClient;
    return await client.presignedGetObject(this.#bucket, key, Math.ceil(expiresInSeconds), headers);
  }

  async presignPut(key: string, options: PresignOptions): Promise<string> {
    assertWritableKey(key);
    assertPresignLifetime(options.expiresInSeconds);
    const client = options.audience === 'internal' ? this.#client : this.#publicClient;
    return await client.presignedPutObject(this.#bucket, key, Math.ceil(options.expiresInSeconds));
  }

  async check(options: CallOptions = {}): Promise<void> {
    await probeStorage({
      put: (key, body) => this.#put(key, body, options),
      get: (key) => this.get(key, options),
      delete: (key) => this.#delete([key], options),
    });
  }

  async sweepUnfinishedUploads(options: CallOptions & { olderThanMs: number }): Promise<{ removed: number }> {
    return await this.#call(options.signal, async () => {
      const limit = new Date(Date.now() - options.olderThanMs);
      return { removed: await sweepUploads(this.#client, this.#bucket, '', limit) };
    });
  }

  async close(): Promise<void> {
    this.#transport.close();
  }

  async #call<Result>(signal: AbortSignal | undefined, run: () => Promise<Result>): Promise<Result> {
    signal?.throwIfAborted();
    try {
      await orAborted(this.#ensureBucket(), signal);
      return await this.#transport.withSignal(signal, run);
    } catch (error) {
      throw s3Error(error, this.description, signal);
    }
  }

  /** Asks once for all calls; a failure is forgotten, so that the next call asks again. */
  #ensureBucket(): Promise<void> {
    this.#bucketReady ??= this.#transport
      .withSignal(undefined, () => ensureBucket(this.#client, this.#bucket, this.#region))
      .catch((error: unknown) => {
        this.#bucketReady = undefined;
        throw error;
      });
    return this.#bucketReady;
  }
}

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);

const isPreconditionFailed = (error: unknown): boolean =>
  ['PreconditionFailed', 'ConditionalRequestConflict'].includes(String(codeOf(error)));

function infoFromHeaders(key: string, headers: IncomingHttpHeaders): ObjectInfo {
  return {
    size: Number(headers['content-length']),
    contentType: headers['content-type'] ?? contentTypeOfKey(key),
    modifiedAt: new Date(headers['last-modified'] ?? 0),
  };
}
