import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiUnreachableError, DownloadCorruptError, SaveFailedError } from './errors.js';
import { type Connection, callApi } from './request.js';

export interface DownloadOptions {
  readonly path: string;
  /** Missing folders are created. */
  readonly toFile: string;
  /** SHA-256, in hex, that the content must have: what makes it safe to resume a broken download. */
  readonly sha256: string;
  readonly signal?: AbortSignal | undefined;
}

interface PartialFile {
  readonly file: FileHandle;
  hash: Hash;
  byteCount: number;
}

const TRIES = 5;
const WAIT_MS = 1000;

/**
 * Saves the response of a path of the API. The file appears under its name only when it is complete; a download that
 * breaks off is resumed at that byte. @returns the size in bytes.
 * @throws DownloadCorruptError when the hash differs; SaveFailedError; ApiError; ApiUnreachableError.
 */
export async function downloadFile(connection: Connection, options: DownloadOptions): Promise<number> {
  const temporary = join(dirname(options.toFile), `.${basename(options.toFile)}.${process.pid}.part`);
  try {
    await mkdir(dirname(options.toFile), { recursive: true });
    await using file = await open(temporary, 'w');
    const byteCount = await receiveAll(connection, options, file);
    await file.sync();
    await rename(temporary, options.toFile);
    return byteCount;
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    if (error instanceof Error && 'syscall' in error) throw new SaveFailedError(options.toFile, error);
    throw error;
  }
}

async function receiveAll(connection: Connection, options: DownloadOptions, file: FileHandle): Promise<number> {
  const part: PartialFile = { file, hash: createHash('sha256'), byteCount: 0 };
  for (let tries = 1; ; tries += 1) {
    try {
      await receive(connection, options, part);
      break;
    } catch (cause) {
      options.signal?.throwIfAborted();
      connection.signal?.throwIfAborted();
      // A body that breaks off is a TypeError of fetch; everything else was retried or refused already.
      if (!(cause instanceof TypeError)) throw cause;
      if (tries === TRIES) throw new ApiUnreachableError(connection.url, cause);
      connection.onRetry(`the download broke off after ${part.byteCount} bytes`);
      await sleep(WAIT_MS, undefined, { signal: options.signal });
    }
  }
  const sha256 = part.hash.digest('hex');
  if (sha256 !== options.sha256) {
    throw new DownloadCorruptError(options.toFile, { received: sha256, expected: options.sha256 });
  }
  return part.byteCount;
}

async function receive(connection: Connection, options: DownloadOptions, part: PartialFile): Promise<void> {
  const response = await callApi(connection, {
    method: 'GET',
    path: options.path,
    headers: { accept: '*/*', ...(part.byteCount > 0 && { range: `bytes=${part.byteCount}-` }) },
    repeatable: true,
    signal: options.signal,
  });
  if (response.status !== 206) {
    await part.file.truncate(0);
    Object.assign(part, { hash: createHash('sha256'), byteCount: 0 });
  }
  for await (const bytes of response.body ?? []) {
    await part.file.write(bytes, 0, bytes.byteLength, part.byteCount);
    part.hash.update(bytes);
    part.byteCount += bytes.byteLength;
  }
}
