import { randomUUID } from 'node:crypto';
import { type FileHandle, link, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Duplex, PassThrough, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { errnoOf } from './filesystem-error.js';

async function fsyncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes `folder` and its parents, so that the new names survive a power loss. */
async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true });
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = dirname(made)) await fsyncFolder(dirname(made));
}

/** Runs `place` (a rename or link into `path`) in an existing folder, though `delete` may be pruning empty ones. */
async function intoFolder(path: string, place: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await makeFolder(dirname(path));
      await place();
      break;
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT' || attempt === 5) throw error;
    }
  }
  await fsyncFolder(dirname(path)).catch((error: unknown) => {
    // Somebody has deleted the object meanwhile, and the folder with it: there is nothing left to keep.
    if (errnoOf(error) !== 'ENOENT') throw error;
  });
}

/** Writes a new file in `temporaryFolder`; its bytes are on the disk before this returns. */
async function writeTemporary(temporaryFolder: string, write: (file: FileHandle) => Promise<void>): Promise<string> {
  const path = join(temporaryFolder, randomUUID());
  const file = await open(path, 'wx');
  try {
    await write(file);
    await file.sync();
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  return path;
}

async function writeChunks(file: FileHandle, chunks: AsyncIterable<Buffer>): Promise<void> {
  for await (const chunk of chunks) await file.writeFile(chunk);
}

/** Puts a stream at `path`: whole, or not at all. The temporary folder must be on the same filesystem. */
export async function writeAtomically(options: {
  path: string;
  temporaryFolder: string;
  source: Readable;
  /** The bytes pass through it; if it fails, `path` stays as it was. */
  guard?: Duplex;
  signal?: AbortSignal | undefined;
  /** Runs when the bytes are on the disk, before they appear at `path`. */
  beforePlacing?: () => Promise<void>;
}): Promise<void> {
  const { path, temporaryFolder, source, guard = new PassThrough(), signal, beforePlacing } = options;
  const temporary = await writeTemporary(temporaryFolder, (file) =>
    pipeline(source, guard, (chunks) => writeChunks(file, chunks), signal ? { signal } : {}),
  );
  try {
    await beforePlacing?.();
    signal?.throwIfAborted();
    await intoFolder(path, () => rename(temporary, path));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Puts `bytes` at `path` unless something is there; of several concurrent calls exactly one wins. */
export async function writeOnce(path: string, temporaryFolder: string, bytes: Buffer): Promise<void> {
  const temporary = await writeTemporary(temporaryFolder, (file) => file.writeFile(bytes));
  try {
    await intoFolder(path, () => link(temporary, path));
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}
