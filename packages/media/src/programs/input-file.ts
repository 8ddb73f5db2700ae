import { type FileHandle, open } from 'node:fs/promises';
import { MediaEmptyError, MediaTooLargeError } from './errors.js';

/** How a program reads the file that is its standard input: with seeking, and without ever seeing its name. */
export const STANDARD_INPUT = 'file:/dev/fd/0';

export interface InputFile {
  path: string;
  /** What messages call it. */
  what: string;
  /** Default: no limit. */
  maximumBytes?: number;
}

/**
 * Opens an input, refuses it when it is empty or too large, and closes it after `use`.
 *
 * @throws MediaEmptyError, MediaTooLargeError
 */
export async function withInput<Result>(
  { path, what, maximumBytes = Number.POSITIVE_INFINITY }: InputFile,
  use: (file: FileHandle) => Promise<Result>,
): Promise<Result> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    if (size === 0) throw new MediaEmptyError(what);
    if (size > maximumBytes) throw new MediaTooLargeError(what, size, maximumBytes);
    return await use(file);
  } finally {
    await file.close();
  }
}

/** Up to `length` bytes at `position`, wherever the descriptor is: programs that share it move it. */
export async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}
