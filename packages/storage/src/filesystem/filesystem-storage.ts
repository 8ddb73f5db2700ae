import { resolve } from 'node:path';
import { assertAllowedSize, openBody, SizeGuard } from '../object-body.js';
import { assertObjectKey, assertWritableKey } from '../object-key.js';
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
import { assertPresignLifetime, signObjectUrl } from '../signed-object-url.js';
import type { FilesystemStorageConfiguration } from '../storage-configuration.js';
import { filesystemError } from './filesystem-error.js';
import { ObjectFiles } from './object-files.js';

const ROOT_ID_KEY = '.farm-root';

/** Objects in a folder, served through the API by URLs that it signs. */
export class FilesystemStorage implements ObjectStorage {
  readonly kind = 'filesystem';
  readonly description: string;
  readonly #configuration: FilesystemStorageConfiguration;
  readonly #files: ObjectFiles;

  private constructor(configuration: FilesystemStorageConfiguration) {
    this.#configuration = configuration;
    this.description = resolve(configuration.directory);
    this.#files = new ObjectFiles(this.description);
  }

  /** @throws StorageMisconfiguredError when the folder cannot be made or written */
  static async open(configuration: FilesystemStorageConfiguration): Promise<FilesystemStorage> {
    const storage = new FilesystemStorage(configuration);
    await storage.#guarded(undefined, () => storage.#files.makeFolders());
    return storage;
  }

  rootId(options: CallOptions = {}): Promise<string | undefined> {
    return this.#guarded(options.signal, () => this.#files.readText(ROOT_ID_KEY));
  }

  claimRoot(id: string, options: CallOptions = {}): Promise<string> {
    return this.#guarded(options.signal, () => this.#files.writeOnce(ROOT_ID_KEY, id));
  }

  async put(key: string, body: ObjectBody, options: PutOptions = {}): Promise<{ size: number }> {
    assertWritableKey(key);
    return await this.#put(key, body, options);
  }

  #put(key: string, body: ObjectBody, options: PutOptions): Promise<{ size: number }> {
    const { signal, contentType } = options;
    return this.#guarded(signal, async () => {
      const { stream, size } = await openBody(body, options);
      try {
        signal?.throwIfAborted();
        assertAllowedSize(key, size, options.maximumSize);
        const guard = new SizeGuard(key, { ...options, ...(size === undefined ? {} : { size }) });
        await this.#files.write(key, { source: stream, guard, contentType, signal });
        return { size: guard.bytes };
      } finally {
        stream.destroy();
      }
    });
  }

  async get(key: string, options: CallOptions & { range?: ByteRange } = {}): Promise<StoredObject | undefined> {
    assertObjectKey(key);
    return await this.#guarded(options.signal, () => this.#files.read(key, options));
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
    return await this.#guarded(options.signal, () => this.#files.info(key));
  }

  async delete(keys: readonly string[], options: CallOptions = {}): Promise<void> {
    for (const key of keys) assertWritableKey(key);
    await this.#guarded(options.signal, async () => {
      for (const key of keys) await this.#files.remove(key);
    });
  }

  async *list(prefix: string, options: CallOptions = {}): AsyncGenerator<ListedObject> {
    try {
      yield* this.#files.list(prefix, options.signal);
    } catch (error) {
      throw filesystemError(error, this.description, options.signal);
    }
  }

  async presignGet(key: string, options: PresignGetOptions): Promise<string> {
    return this.#presign(key, 'GET', options);
  }

  async presignPut(key: string, options: PresignOptions): Promise<string> {
    assertWritableKey(key);
    return this.#presign(key, 'PUT', options);
  }

  #presign(key: string, method: 'GET' | 'PUT', options: PresignGetOptions): string {
    assertObjectKey(key);
    assertPresignLifetime(options.expiresInSeconds);
    const { audience, expiresInSeconds, downloadName } = options;
    return signObjectUrl({
      baseUrl: audience === 'internal' ? this.#configuration.internalBaseUrl : this.#configuration.publicBaseUrl,
      secret: this.#configuration.secret,
      key,
      method,
      audience,
      expiresAt: new Date(Date.now() + expiresInSeconds * 1000),
      ...(downloadName === undefined ? {} : { downloadName }),
    });
  }

  async check(options: CallOptions = {}): Promise<void> {
    await probeStorage({
      put: (key, body) => this.#put(key, body, options),
      get: (key) => this.get(key, options),
      delete: (key) => this.#guarded(options.signal, () => this.#files.remove(key)),
    });
  }

  async sweepUnfinishedUploads(options: CallOptions & { olderThanMs: number }): Promise<{ removed: number }> {
    return await this.#guarded(options.signal, async () => {
      const limit = new Date(Date.now() - options.olderThanMs);
      return { removed: await this.#files.sweepTemporary(limit) };
    });
  }

  async close(): Promise<void> {}

  async #guarded<Result>(signal: AbortSignal | undefined, run: () => Promise<Result>): Promise<Result> {
    signal?.throwIfAborted();
    try {
      return await run();
    } catch (error) {
      throw filesystemError(error, this.description, signal);
    }
  }
}
