import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** Writes a stream to `filePath`: whole, or not at all. */
export async function saveStream(stream: Readable, filePath: string, signal?: AbortSignal): Promise<void> {
  const temporary = `${filePath}.${randomUUID()}.part`;
  try {
    await pipeline(stream, createWriteStream(temporary, { flags: 'wx' }), signal ? { signal } : {});
    await rename(temporary, filePath);
  } catch (error) {
    stream.destroy();
    await rm(temporary, { force: true });
    throw signal?.aborted ? signal.reason : error;
  }
}
