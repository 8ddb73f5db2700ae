import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
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
import { saveStream } from '../save-stream.js';
import { assertPresignLifetime } from '../signed-object-url.js';
import { S3ResponseError } from './errors.js';
import type { S3Settings } from './s3-client.js';
import { S3Connection } from './s3-connection.js';
import { downloadObject } from './s3-download.js';
import { codeOf, isAbsentObject, withRetry } from './s3-error.js';
import type { TransportTimeouts } from './s3-transport.js';
import { uploadStream } from './s3-upload.js';
import { sweepUploads } from './sweep-uploads.js';

const ROOT_ID_KEY = '.farm-root';
const KEYS_PER_REQUEST = 1000;

/** Objects in one bucket of an S3 server, through the subset of S3 that every server has. */
export class S3Storage implements ObjectStorage {
  readonly kind = 's3';
  readonly description: string;
  readonly #connection: S3Connection;

  constructor(settings: S3Settings, timeouts: TransportTimeouts = { connectMs: 3000, idleMs: 30_000 }) {
    this.#connection = new S3Connection(settings, timeouts);
    this.description = this.#connection.description;
  }

  async rootId(options: CallOptions = {}): Promise<string | undefined> {
    const { client, bucket } = this.#connection;
    return await this.#connection.call(options.signal, async () => {
      try {
        return await text(await withRetry(() => client.getObject(bucket, ROOT_ID_KEY), options.signal));
      } catch (error) {
        if (isAbsentObject(error)) return undefined;
        throw error;
      }
    });
  }

  async claimRoot(id: string, options: CallOptions = {}): Promise<string> {
    const { client, bucket } = this.#connection;
    return await this.#connection.call(options.signal, async () => {
      const body = Buffer.from(id);
      try {
        // The first writer wins. A server that ignores the condition may return first one id and then another, which the
        // farm that lost sees at its next check: never a silent mix.
        await client.putObject(bucket, ROOT_ID_KEY, body, body.length, { 'if-none-match': '*' });
      } catch (error) {
        if (!['PreconditionFailed', 'ConditionalRequestConflict'].includes(codeOf(error))) throw error;
      }
      return await text(await client.getObject(bucket, ROOT_ID_KEY));
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
      const sized = { ...options, ...(size === undefined ? {} : { size }) };
      const guard = new SizeGuard(key, sized);
      await this.#connection.call(signal, async () => {
        const upload = this.#upload(key, guard, sized);
        await Promise.all([pipeline(stream, guard, signal ? { signal, end: true } : {}), upload]);
      });
      return { size: guard.bytes };
    } finally {
      stream.destroy();
    }
  }

  async #upload(key: string, guard: SizeGuard, { size, contentType, signal }: PutOptions): Promise<void> {
    const { client, bucket } = this.#connection;
    try {
      await uploadStream({
        client,
        bucket,
        key,
        stream: guard,
        size,
        contentType: contentType ?? contentTypeOfKey(key),
        signal,
        cleanUp: (run) => this.#connection.cleanUp(run),
      });
    } catch (error) {
      guard.destroy(error instanceof Error ? error : new Error(String(error)));
      throw error;
    }
  }

  async get(key: string, options: CallOptions & { range?: ByteRange } = {}): Promise<StoredObject | undefined> {
    assertObjectKey(key);
    return await downloadObject(this.#connection, key, options);
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
    const { client, bucket } = this.#connection;
    return await this.#connection.call(options.signal, async () => {
      try {
        const status = await withRetry(() => client.statObject(bucket, key), options.signal);
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
    const { client, bucket } = this.#connection;
    await this.#connection.call(options.signal, async () => {
      for (let first = 0; first < keys.length; first += KEYS_PER_REQUEST) {
        const batch = keys.slice(first, first + KEYS_PER_REQUEST);
        const answers = await withRetry(() => client.removeObjects(bucket, [...batch]), options.signal);
        const failed = answers.map((answer) => answer?.Error).find((error) => error && error.Code !== 'NoSuchKey');
        if (failed) throw new S3ResponseError(failed);
      }
    });
  }

  async *list(prefix: string, options: CallOptions = {}): AsyncGenerator<ListedObject> {
    const { signal } = options;
    const { client, bucket } = this.#connection;
    let token = '';
    do {
      const page = await this.#connection.call(signal, () =>
        withRetry(() => client.listObjectsV2Query(bucket, prefix, token, '', KEYS_PER_REQUEST, ''), signal),
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
    const { bucket } = this.#connection;
    return await this.#signer(audience).presignedGetObject(bucket, key, Math.ceil(expiresInSeconds), headers);
  }

  async presignPut(key: string, { audience, expiresInSeconds }: PresignOptions): Promise<string> {
    assertWritableKey(key);
    assertPresignLifetime(expiresInSeconds);
    const { bucket } = this.#connection;
    return await this.#signer(audience).presignedPutObject(bucket, key, Math.ceil(expiresInSeconds));
  }

  #signer(audience: PresignOptions['audience']) {
    return audience === 'internal' ? this.#connection.client : this.#connection.publicClient;
  }

  async check(options: CallOptions = {}): Promise<void> {
    await probeStorage({
      put: (key, body) => this.#put(key, body, options),
      get: (key) => this.get(key, options),
      delete: (key) => this.#delete([key], options),
    });
  }

  async sweepUnfinishedUploads(options: CallOptions & { olderThanMs: number }): Promise<{ removed: number }> {
    const { client, bucket } = this.#connection;
    return await this.#connection.call(options.signal, async () => {
      const before = new Date(Date.now() - options.olderThanMs);
      return { removed: await sweepUploads(client, bucket, { prefix: '', before }) };
    });
  }

  async close(): Promise<void> {
    this.#connection.close();
  }
}
