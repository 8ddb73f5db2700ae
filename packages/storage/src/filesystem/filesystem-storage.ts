import { randomUUID } from 'node:crypto';
import { createReadStream, type Stats } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, readFile, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
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
import { resolveByteRange } from '../resolve-byte-range.js';
import { saveStream } from '../save-stream.js';
import { assertPresignLifetime, signObjectUrl } from '../signed-object-url.js';
import type { FilesystemStorageConfig } from '../storage-config.js';
import { StorageError } from '../storage-error.js';
import { writeAtomically, writeOnce } from './atomic-write.js';
import { errnoOf, filesystemError } from './filesystem-error.js';
import { walkKeys } from './walk.js';

const ROOT_ID_KEY = '.farm-root';

/**
 * Objects as plain files: `objects/<key>`, and `types/<key>` where the content type is not the one that the key's
 * extension says. Bytes are written to `temporary/`, fsynced and renamed, so any number of processes may share the
 * folder (on one machine or over a mount that renames atomically).
 */
export class FilesystemStorage implements ObjectStorage {
  readonly kind = 'filesystem';
  readonly description: string;
  readonly #config: FilesystemStorageConfig;
  readonly #objects: string;
  readonly #types: string;
  readonly #temporary: string;

  private constructor(config: FilesystemStorageConfig) {
    const directory = resolve(config.directory);
    this.#config = config;
    this.description = directory;
    this.#objects = join(directory, 'objects');
    this.#types = join(directory, 'types');
    this.#temporary = join(directory, 'temporary');
  }

  /** @throws StorageError `storage-misconfigured` when the folder cannot be made or written */
  static async open(config: FilesystemStorageConfig): Promise<FilesystemStorage> {
    const storage = new FilesystemStorage(config);
    await storage.#guarded(undefined, async () => {
      for (const folder of [storage.#objects, storage.#types, storage.#temporary]) {
        await mkdir(folder, { recursive: true });
      }
    });
    return storage;
  }

  rootId(options: CallOptions = {}): Promise<string> {
    return this.#guarded(options.signal, async () => {
      const path = join(this.#objects, ROOT_ID_KEY);
      await writeOnce(path, this.#temporary, Buffer.from(randomUUID()));
      return await readFile(path, 'utf8');
    });
  }

  async put(key: string, body: ObjectBody, options: PutOptions = {}): Promise<{ size: number }> {
    assertWritableKey(key);
    return await this.#put(key, body, options);
  }

  #put(key: string, body: ObjectBody, options: PutOptions): Promise<{ size: number }> {
    const { signal } = options;
    return this.#guarded(signal, async () => {
      const { stream, size } = await openBody(body, options);
      try {
        signal?.throwIfAborted();
        assertAllowedSize(key, size, options.maximumSize);
        const guard = new SizeGuard(key, { ...options, ...(size === undefined ? {} : { size }) });
        await writeAtomically({
          path: join(this.#objects, key),
          temporaryFolder: this.#temporary,
          source: stream,
          guard,
          signal,
          beforePlacing: () => this.#writeContentType(key, options.contentType),
        });
        return { size: guard.bytes };
      } catch (error) {
        throw isKeyConflict(error) ? keyConflict(key, error) : error;
      } finally {
        stream.destroy();
      }
    });
  }

  async #writeContentType(key: string, contentType: string | undefined): Promise<void> {
    const path = join(this.#types, key);
    if (contentType === undefined || contentType === contentTypeOfKey(key)) return await removeFile(path);
    const source = Readable.from([Buffer.from(contentType)], { objectMode: false });
    await writeAtomically({ path, temporaryFolder: this.#temporary, source });
  }

  async get(key: string, options: CallOptions & { range?: ByteRange } = {}): Promise<StoredObject | undefined> {
    assertObjectKey(key);
    const { signal } = options;
    return await this.#guarded(signal, async () => {
      const handle = await this.#openObject(key);
      if (handle === undefined) return undefined;
      try {
        const info = await this.#infoOf(key, await handle.stat());
        const { start, end } = resolveByteRange(key, info.size, options.range);
        if (end < start) {
          await handle.close();
          return { ...info, start, end, stream: Readable.from([], { objectMode: false }) };
        }
        const stream = createReadStream('', { fd: handle, start, end, ...(signal ? { signal } : {}) });
        return { ...info, start, end, stream };
      } catch (error) {
        await handle.close();
        throw error;
      }
    });
  }

  async #openObject(key: string): Promise<FileHandle | undefined> {
    try {
      const handle = await open(join(this.#objects, key), 'r');
      if ((await handle.stat()).isFile()) return handle;
      await handle.close();
      return undefined;
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  async #infoOf(key: string, { size, mtime }: Stats): Promise<ObjectInfo> {
    const stored = await readFile(join(this.#types, key), 'utf8').catch((error: unknown) => {
      if (isAbsent(error)) return undefined;
      throw error;
    });
    return { size, modifiedAt: mtime, contentType: stored ?? contentTypeOfKey(key) };
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
    return await this.#guarded(options.signal, async () => {
      const path = join(this.#objects, key);
      try {
        const status = await stat(path);
        return status.isFile() ? await this.#infoOf(key, status) : undefined;
      } catch (error) {
        if (isAbsent(error)) return undefined;
        throw error;
      }
    });
  }

  async delete(keys: readonly string[], options: CallOptions = {}): Promise<void> {
    for (const key of keys) assertWritableKey(key);
    await this.#guarded(options.signal, async () => {
      for (const key of keys) await this.#deleteOne(key);
    });
  }

  async #deleteOne(key: string): Promise<void> {
    for (const root of [this.#objects, this.#types]) {
      await removeFile(join(root, key));
      for (let folder = dirname(join(root, key)); folder !== root; folder = dirname(folder)) {
        const removed = await rmdir(folder).then(
          () => true,
          () => false,
        );
        if (!removed) break;
      }
    }
  }

  async *list(prefix: string, options: CallOptions = {}): AsyncGenerator<ListedObject> {
    try {
      for await (const key of walkKeys(this.#objects, prefix)) {
        options.signal?.throwIfAborted();
        if (isReservedKey(key)) continue;
        const status = await stat(join(this.#objects, key)).catch((error: unknown) => {
          if (isAbsent(error)) return undefined;
          throw error;
        });
        if (status !== undefined) yield { key, size: status.size, modifiedAt: status.mtime };
      }
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
      baseUrl: audience === 'internal' ? this.#config.internalBaseUrl : this.#config.publicBaseUrl,
      secret: this.#config.secret,
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
      delete: (key) => this.#guarded(options.signal, () => this.#deleteOne(key)),
    });
  }

  async sweepUnfinishedUploads(options: CallOptions & { olderThanMs: number }): Promise<{ removed: number }> {
    return await this.#guarded(options.signal, async () => {
      const limit = Date.now() - options.olderThanMs;
      let removed = 0;
      for (const name of await readdir(this.#temporary)) {
        const path = join(this.#temporary, name);
        const status = await stat(path).catch(() => undefined);
        if (status === undefined || status.mtimeMs >= limit) continue;
        await removeFile(path);
        removed += 1;
      }
      return { removed };
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

const isAbsent = (error: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '');

/** The key of an object is another one's folder: `a` beside `a/b`. Only S3 holds both. */
const isKeyConflict = (error: unknown): boolean =>
  ['ENOTDIR', 'EISDIR', 'EEXIST', 'ENOTEMPTY'].includes(errnoOf(error) ?? '');

function keyConflict(key: string, cause: unknown): StorageError {
  const message = `The object key ${key} is refused: an object lies where it needs a folder, or the other way round.`;
  return new StorageError('invalid-key', message, { cause, data: { key } });
}

async function removeFile(path: string): Promise<void> {
  await rm(path).catch((error: unknown) => {
    if (!isAbsent(error)) throw error;
  });
}
