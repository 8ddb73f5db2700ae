import { createReadStream, type Stats } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, readFile, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { contentTypeOfKey } from '../content-type.js';
import type { SizeGuard } from '../object-body.js';
import { isReservedKey } from '../object-key.js';
import type { ByteRange, CallOptions, ListedObject, ObjectInfo, StoredObject } from '../object-storage.js';
import { resolveByteRange } from '../resolve-byte-range.js';
import { writeAtomically, writeOnce } from './atomic-write.js';
import { ObjectKeyConflictError } from './errors.js';
import { errnoOf, isAbsent } from './filesystem-error.js';
import { walkKeys } from './walk-keys.js';

/**
 * Objects as plain files: `objects/<key>`, and `types/<key>` where the content type is not the one that the key's
 * extension says. Bytes are written to `temporary/`, fsynced and renamed, so any number of processes may share the
 * folder (on one machine or over a mount that renames atomically).
 *
 * Keys are checked by the caller; failures are those of the operating system.
 */
export class ObjectFiles {
  readonly #objects: string;
  readonly #types: string;
  readonly #temporary: string;

  constructor(directory: string) {
    this.#objects = join(directory, 'objects');
    this.#types = join(directory, 'types');
    this.#temporary = join(directory, 'temporary');
  }

  async makeFolders(): Promise<void> {
    for (const folder of [this.#objects, this.#types, this.#temporary]) await mkdir(folder, { recursive: true });
  }

  async readText(key: string): Promise<string | undefined> {
    return await unlessAbsent(readFile(join(this.#objects, key), 'utf8'));
  }

  /** Writes `text` unless the object exists, and returns what it holds then. */
  async writeOnce(key: string, text: string): Promise<string> {
    const path = join(this.#objects, key);
    await writeOnce(path, this.#temporary, Buffer.from(text));
    return await readFile(path, 'utf8');
  }

  /** @throws ObjectKeyConflictError where the key of an object is another one's folder */
  async write(
    key: string,
    body: { source: Readable; guard: SizeGuard; contentType: string | undefined; signal: AbortSignal | undefined },
  ): Promise<void> {
    const { source, guard, contentType, signal } = body;
    try {
      await writeAtomically({
        path: join(this.#objects, key),
        temporaryFolder: this.#temporary,
        source,
        guard,
        signal,
        beforePlacing: () => this.#writeContentType(key, contentType),
      });
    } catch (error) {
      throw isKeyConflict(error) ? new ObjectKeyConflictError(key, error) : error;
    }
  }

  async #writeContentType(key: string, contentType: string | undefined): Promise<void> {
    const path = join(this.#types, key);
    if (contentType === undefined || contentType === contentTypeOfKey(key)) return await removeFile(path);
    const source = Readable.from([Buffer.from(contentType)], { objectMode: false });
    await writeAtomically({ path, temporaryFolder: this.#temporary, source });
  }

  async read(key: string, options: CallOptions & { range?: ByteRange }): Promise<StoredObject | undefined> {
    const { signal, range } = options;
    const handle = await this.#open(key);
    if (handle === undefined) return undefined;
    try {
      const info = await this.#infoOf(key, await handle.stat());
      const { start, end } = resolveByteRange(key, info.size, range);
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
  }

  async #open(key: string): Promise<FileHandle | undefined> {
    const handle = await unlessAbsent(open(join(this.#objects, key), 'r'));
    if (handle === undefined || (await handle.stat()).isFile()) return handle;
    await handle.close();
    return undefined;
  }

  async info(key: string): Promise<ObjectInfo | undefined> {
    const status = await unlessAbsent(stat(join(this.#objects, key)));
    return status?.isFile() ? await this.#infoOf(key, status) : undefined;
  }

  async #infoOf(key: string, { size, mtime }: Stats): Promise<ObjectInfo> {
    const contentType = await unlessAbsent(readFile(join(this.#types, key), 'utf8'));
    return { size, modifiedAt: mtime, contentType: contentType ?? contentTypeOfKey(key) };
  }

  /** Removes the object and every folder that it leaves empty. */
  async remove(key: string): Promise<void> {
    for (const root of [this.#objects, this.#types]) {
      await removeFile(join(root, key));
      for (let folder = dirname(join(root, key)); folder !== root; folder = dirname(folder)) {
        if (!(await removeEmptyFolder(folder))) break;
      }
    }
  }

  async *list(prefix: string, signal: AbortSignal | undefined): AsyncGenerator<ListedObject> {
    for await (const key of walkKeys(this.#objects, prefix)) {
      signal?.throwIfAborted();
      if (isReservedKey(key)) continue;
      const status = await unlessAbsent(stat(join(this.#objects, key)));
      if (status !== undefined) yield { key, size: status.size, modifiedAt: status.mtime };
    }
  }

  /** Removes temporary files last written before `limit`; returns how many. */
  async sweepTemporary(limit: Date): Promise<number> {
    let removed = 0;
    for (const name of await readdir(this.#temporary)) {
      const path = join(this.#temporary, name);
      const status = await stat(path).catch(() => undefined);
      if (status === undefined || status.mtimeMs >= limit.getTime()) continue;
      await removeFile(path);
      removed += 1;
    }
    return removed;
  }
}

const isKeyConflict = (error: unknown): boolean =>
  ['ENOTDIR', 'EISDIR', 'EEXIST', 'ENOTEMPTY'].includes(errnoOf(error) ?? '');

async function unlessAbsent<Result>(call: Promise<Result>): Promise<Result | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

async function removeFile(path: string): Promise<void> {
  await unlessAbsent(rm(path));
}

async function removeEmptyFolder(folder: string): Promise<boolean> {
  return await rmdir(folder).then(
    () => true,
    () => false,
  );
}
