import { InvalidByteRangeError } from './errors.js';
import type { ByteRange } from './object-storage.js';

/**
 * First and last byte to send of an object of `size` bytes.
 *
 * @throws InvalidByteRangeError when the range begins past the end of the object, or is not a range
 */
export function resolveByteRange(key: string, size: number, range: ByteRange | undefined): Required<ByteRange> {
  if (range === undefined) return { start: 0, end: size - 1 };
  const { start, end = size - 1 } = range;
  if (!Number.isSafeInteger(start) || start < 0 || start >= size || end < start) {
    throw new InvalidByteRangeError(key, range, size);
  }
  return { start, end: Math.min(end, size - 1) };
}
