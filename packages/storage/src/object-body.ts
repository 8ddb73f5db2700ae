import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable, Transform } from 'node:stream';
import type { ObjectBody, PutOptions } from './object-storage.js';
import { StorageError } from './storage-error.js';

export interface OpenedBody {
  stream: Readable;
  /** Bytes to come, where that is known before reading. */
  size: number | undefined;
}

/** Opens what was handed to `put`: the length of bytes and files is known, a stream's is what the caller says. */
export async function openBody(body: ObjectBody, options: PutOptions): Promise<OpenedBody> {
  if (body instanceof Readable) return { stream: body, size: options.size };
  if (body instanceof Uint8Array) {
    const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    return { stream: Readable.from([bytes], { objectMode: false }), size: bytes.length };
  }
  const { size } = await stat(body.filePath);
  return { stream: createReadStream(body.filePath), size };
}

/** Passes bytes through and refuses a body that is longer than allowed, or not as long as was said. */
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
    if (this.bytes > this.#maximum) done(tooLarge(this.#key, this.#maximum));
    else if (this.#expected !== undefined && this.bytes > this.#expected) done(this.#mismatch('more'));
    else done(null, chunk);
  }

  override _flush(done: (error?: Error | null) => void) {
    done(this.#expected !== undefined && this.bytes < this.#expected ? this.#mismatch('fewer') : null);
  }

  #mismatch(direction: string): StorageError {
    const message =
      `The body for ${this.#key} has ${direction} bytes than the ${this.#expected} it was announced with ` +
      `(${this.bytes} seen); nothing was stored. Send it again with its true size.`;
    return new StorageError('size-mismatch', message, {
      data: { key: this.#key, expected: this.#expected, seen: this.bytes },
    });
  }
}

export function tooLarge(key: string, maximumSize: number): StorageError {
  const message = `The body for ${key} is larger than the ${maximumSize} bytes allowed; nothing was stored.`;
  return new StorageError('object-too-large', message, { data: { key, maximumSize } });
}

/** @throws StorageError `object-too-large`, before a byte is read, where the announced size says so */
export function assertAllowedSize(key: string, size: number | undefined, maximumSize: number | undefined): void {
  if (size !== undefined && maximumSize !== undefined && size > maximumSize) throw tooLarge(key, maximumSize);
}
