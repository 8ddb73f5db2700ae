import { createHash } from 'node:crypto';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { objectKeys } from '@farm/contracts';
import type { StoredInput } from '@farm/records';
import { StorageError } from '@farm/storage';
import type { Limits } from '../configuration.js';
import type { Services } from '../services.js';
import { FileTooLargeError, UploadAbortedError } from './file-errors.js';
import type { InputName } from './part-names.js';
import type { IncomingJob } from './submission.js';

interface Input {
  name: InputName;
  fileName: string | undefined;
  source: Readable;
}

const maximumBytesOf = (limits: Limits, name: InputName): number =>
  name === 'portrait' ? limits.maximumPortraitBytes : limits.maximumUploadBytes;

/** What is kept of a client's file name: an extension that some program may want to see. */
export function extensionOf(fileName: string | undefined): string {
  const match = /\.(jpe?g|png|webp|bmp|tiff?|gif|wav|flac|mp3|m4a|mp4|ogg|opus|aac|webm)$/i.exec(fileName ?? '');
  return match ? match[1]!.toLowerCase() : '';
}

/** Streams a file to storage while its SHA-256 is computed; on any failure nothing stays there. */
export async function storeInput(
  { configuration, storage }: Services,
  { name, fileName, source }: Input,
  { id, signal, storedKeys }: IncomingJob,
): Promise<StoredInput> {
  const key = objectKeys.input(id, name, extensionOf(fileName));
  storedKeys.add(key);
  const maximumSize = maximumBytesOf(configuration.limits, name);
  const hash = createHash('sha256');
  const hashing = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  const reading = pipeline(source, hashing, { signal });
  try {
    const [{ size }] = await Promise.all([storage.put(key, hashing, { maximumSize, signal }), reading]);
    return { key, sha256: hash.digest('hex'), bytes: size };
  } catch (error) {
    hashing.destroy();
    await reading.catch(() => {});
    throw inputError(error, source, { name, maximumSize });
  }
}

function inputError(error: unknown, source: Readable, input: { name: InputName; maximumSize: number }): unknown {
  const { name, maximumSize } = input;
  if (error instanceof StorageError && error.code === 'object-too-large')
    return new FileTooLargeError({ part: name, maximumBytes: maximumSize, cause: error });
  if (error instanceof StorageError) return error;
  if (source.errored || !source.readableEnded) return new UploadAbortedError(name, error);
  return error;
}
