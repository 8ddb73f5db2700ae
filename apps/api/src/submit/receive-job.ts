import { createHash } from 'node:crypto';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type JobSpec, objectKeys } from '@farm/contracts';
import type { StoredInput } from '@farm/records';
import { StorageError } from '@farm/storage';
import type { Limits } from '../configuration.js';
import type { Services } from '../services.js';
import { FileTooLargeError, UploadAbortedError } from './file-errors.js';
import { DuplicatePartError, MissingPartError, NotAFileError } from './part-errors.js';
import { formerNameOf, type InputName, partNames } from './part-names.js';
import { readSpec } from './read-spec.js';
import type { SubmittedPart } from './submission.js';

/** A job that is being received and may yet be refused. */
export interface IncomingJob {
  id: string;
  signal: AbortSignal;
  /** Every key in storage, each added before its first byte is written. */
  storedKeys: Set<string>;
}

export interface ReceivedJob {
  spec: JobSpec;
  portrait: StoredInput;
  speech: StoredInput;
  /** Equal for two submits of the same contents, whatever the order of their members. */
  bodySha256: string;
}

type Contents = Omit<ReceivedJob, 'bodySha256'>;

/** Reads the spec and streams the files into storage, part by part. */
export async function receiveJob(
  services: Services,
  parts: AsyncIterable<SubmittedPart>,
  job: IncomingJob,
): Promise<ReceivedJob> {
  const received: Partial<Contents> = {};
  for await (const part of parts) {
    const { name } = part;
    if (received[name] !== undefined) throw new DuplicatePartError(name, formerNameOf(name));
    if (part.name === 'spec') {
      received.spec = readSpec(await part.read());
    } else {
      if (part.file === undefined) throw new NotAFileError(name);
      const key = objectKeys.input(job.id, part.name, extensionOf(part.file.name));
      received[part.name] = await storeInput(services, { name: part.name, key, source: await part.file.open() }, job);
    }
  }
  const missing = partNames.filter((name) => received[name] === undefined);
  if (missing.length > 0) throw new MissingPartError(missing);
  const contents = received as Contents;
  return { ...contents, bodySha256: contentsHash(contents) };
}

/** What is kept of a client's file name: an extension that some program may want to see. */
export function extensionOf(fileName: string | undefined): string {
  const match = /\.(jpe?g|png|webp|bmp|tiff?|gif|wav|flac|mp3|m4a|mp4|ogg|opus|aac|webm)$/i.exec(fileName ?? '');
  return match ? match[1]!.toLowerCase() : '';
}

const maximumBytesOf = (limits: Limits, name: InputName): number =>
  name === 'portrait' ? limits.maximumPortraitBytes : limits.maximumUploadBytes;

/** Streams a file to storage while its SHA-256 is computed; on any failure nothing stays there. */
async function storeInput(
  { configuration, storage }: Services,
  { name, key, source }: { name: InputName; key: string; source: Readable },
  { signal, storedKeys }: IncomingJob,
): Promise<StoredInput> {
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

function contentsHash({ spec, portrait, speech }: Contents): string {
  // The former names of the parts, so that a key that was used before an upgrade still matches its repeat.
  const contents = { spec, image: portrait.sha256, audio: speech.sha256 };
  return createHash('sha256').update(JSON.stringify(contents, withSortedKeys)).digest('hex');
}

/** For JSON.stringify: the same members in another order are the same contents. */
const withSortedKeys = (_key: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;
