import { createHash } from 'node:crypto';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { FarmError } from '@farm/contracts';
import type { StoredInput } from '@farm/records';
import { type ObjectStorage, StorageError } from '@farm/storage';
import type { Limits } from '../configuration.js';

export type InputName = 'image' | 'audio';

export const maximumBytesOf = (limits: Limits, name: InputName): number =>
  name === 'image' ? limits.maximumImageBytes : limits.maximumUploadBytes;

/** What of a client's file name is kept: an extension that some program may want to see. */
export function extensionOf(fileName: string | undefined): string {
  const match = /\.(jpe?g|png|webp|bmp|tiff?|gif|wav|flac|mp3|m4a|mp4|ogg|opus|aac|webm)$/i.exec(fileName ?? '');
  return match ? match[1]!.toLowerCase() : '';
}

/** Streams an upload to storage while its SHA-256 is computed; on any failure nothing stays there. */
export async function storeUpload(
  storage: ObjectStorage,
  upload: { name: InputName; key: string; source: Readable; maximumBytes: number; signal: AbortSignal },
): Promise<StoredInput> {
  const { name, key, source, maximumBytes, signal } = upload;
  const hash = createHash('sha256');
  const hashing = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  const reading = pipeline(source, hashing, { signal });
  try {
    const [{ size }] = await Promise.all([storage.put(key, hashing, { maximumSize: maximumBytes, signal }), reading]);
    return { key, sha256: hash.digest('hex'), bytes: size };
  } catch (error) {
    hashing.destroy();
    await reading.catch(() => {});
    throw await uploadError(error, source, { name, maximumBytes });
  }
}

async function uploadError(
  error: unknown,
  source: Readable,
  { name, maximumBytes }: { name: InputName; maximumBytes: number },
): Promise<unknown> {
  if (error instanceof StorageError && error.code === 'object-too-large')
    return new FarmError(
      'file-too-large',
      `The ${name} is larger than ${(maximumBytes / 1e6).toFixed(0)} MB, the most that is taken.`,
      { status: 413, data: { part: name, maximumBytes }, cause: error },
    );
  if (error instanceof StorageError) return error;
  if (source.errored || !source.readableEnded)
    return new FarmError('upload-aborted', `The ${name} ended before it was whole; nothing was kept. Send it again.`, {
      status: 400,
      cause: error,
    });
  return error;
}
