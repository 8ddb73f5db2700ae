import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable, Transform } from 'node:stream';
import { ObjectTooLargeError, SizeMismatchError } from './errors.js';
import type { ObjectBody, PutOptions } from './object-storage.js';

export interface OpenedBody {
  stream: Readable;
  /** Bytes to come, where that is known before reading. */
  size: number | undefined;
}

/** Opens what was passed to `put`: the length of bytes and files is known, a stream's is what the caller says. */
export async function openBody(body: ObjectBody, options: PutOptions): Promise<OpenedBody> {
  if (body instanceof Readable) return { stream: body, size: options.size };
  if (body instanceof Uint8Array) {
    const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    return { stream: Readable.from([bytes], { objectMode: false }), size: bytes.length };
  }
  const { size } = await stat(body.filePath);
  return { stream: createReadStream(body.filePath), size };
}

/** Passes bytes through and refuses a body that is longer than allowed, or not as long as announced. */
export class SizeGuard extends Transform {
  bytes = 0;
  readonly #key: string;
  readonly #expected: number | undefined;
  readonly #maximum: number;

  constructor(key: string, options: Pick<PutOptions, 'size' | 'maximumSize'>) {
    super();
    this.#key = key;
    this.#expected = options.size;
    this.#maximum = options.maximumSize ?? Number.POSITIVE_INFINITY;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: (error: Error | null, data?: Buffer) => void) {
    this.bytes += chunk.length;
    if (this.bytes > this.#maximum) done(new ObjectTooLargeError(this.#key, this.#maximum));
    else if (this.#expected !== undefined && this.bytes > this.#expected) done(this.#mismatch(this.#expected));
    else done(null, chunk);
  }

  override _flush(done: (error?: Error | null) => void) {
    const isComplete = this.#expected === undefined || this.bytes >= this.#expected;
    done(isComplete ? null : this.#mismatch(this.#expected));
  }

  #mismatch(expected: number): SizeMismatchError {
    return new SizeMismatchError(this.#key, expected, this.bytes);
  }
}

/** @throws ObjectTooLargeError, before a byte is read, where the announced size says so */
export function assertAllowedSize(key: string, size: number | undefined, maximumSize: number | undefined): void {
  if (size !== undefined && maximumSize !== undefined && size > maximumSize) {
    throw new ObjectTooLargeError(key, maximumSize);
  }
}
