import type { ByteRange } from './object-storage.js';
import { StorageError } from './storage-error.js';

/**
 * First and last byte to send of an object of `size` bytes.
 *
 * @throws StorageError `invalid-range` when the range begins behind the object's end, or is no range
 */
export function resolveByteRange(key: string, size: number, range: ByteRange | undefined): Required<ByteRange> {
  if (range === undefined) return { start: 0, end: size - 1 };
  const { start, end = size - 1 } = range;
  if (!Number.isSafeInteger(start) || start < 0 || start >= size || end < start) throw invalidRange(key, range, size);
  return { start, end: Math.min(end, size - 1) };
}

export function invalidRange(key: string, range: ByteRange, size?: number): StorageError {
  const length = size === undefined ? '' : ` of ${size} bytes`;
  const message = `The object ${key}${length} has no bytes ${range.start} to ${range.end ?? 'the end'}.`;
  return new StorageError('invalid-range', message, { data: { key, ...range } });
}
