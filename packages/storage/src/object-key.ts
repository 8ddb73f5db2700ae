import { InvalidObjectKeyError } from './errors.js';

const MAXIMUM_KEY_BYTES = 512;
/** A file name may have 255 bytes on every common filesystem. */
const MAXIMUM_SEGMENT_BYTES = 255;
const RESERVED_PREFIX = '.farm-';

/** Keys of the storage itself: its root id and its probe objects. */
export const isReservedKey = (key: string): boolean => key.startsWith(RESERVED_PREFIX);

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this refuses
const controlCharacter = /[\u0000-\u001f\u007f-\u009f]/;

const loneSurrogate = /\p{Surrogate}/u;

function faultOf(key: string): string | undefined {
  if (key === '') return 'it is empty';
  if (loneSurrogate.test(key)) return 'it is not well-formed Unicode';
  if (Buffer.byteLength(key) > MAXIMUM_KEY_BYTES) return `it is longer than ${MAXIMUM_KEY_BYTES} bytes`;
  if (controlCharacter.test(key)) return 'it has a control character';
  if (key.includes('\\')) return 'it has a backslash';
  for (const segment of key.split('/')) {
    if (segment === '') return 'it begins or ends with a slash, or has two in a row';
    if (segment === '.' || segment === '..') return `it has the segment "${segment}"`;
    if (Buffer.byteLength(segment) > MAXIMUM_SEGMENT_BYTES) {
      return `one of its segments is longer than ${MAXIMUM_SEGMENT_BYTES} bytes`;
    }
  }
  return undefined;
}

/**
 * Checks that `key` is a relative path that every storage can hold: segments between single slashes, none of them `.` or
 * `..`, no backslash, no control character, at most 255 bytes per segment and 512 in all.
 *
 * @throws InvalidObjectKeyError
 */
export function assertObjectKey(key: string): void {
  const fault = faultOf(key);
  if (fault !== undefined) throw new InvalidObjectKeyError(key, fault);
}

/** As `assertObjectKey`, and the key must not be one of the storage's own. */
export function assertWritableKey(key: string): void {
  assertObjectKey(key);
  if (isReservedKey(key)) throw new InvalidObjectKeyError(key, `"${RESERVED_PREFIX}" is the storage's own prefix`);
}
