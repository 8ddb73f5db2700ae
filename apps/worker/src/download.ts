import type { StoredInput } from '@farm/records';
import { ObjectCorruptError, ObjectMissingError } from './errors.js';
import { sha256OfFile } from './sha256-of-file.js';
import type { TaskContext } from './task-context.js';

/** An object that the records promise; without a hash, as in older records, its bytes are believed. */
export type PromisedObject = Pick<StoredInput, 'key'> & { sha256?: string | undefined };

type DownloadContext = Pick<TaskContext, 'storage' | 'signal' | 'log'>;
type Arrival = 'sound' | 'missing' | 'corrupt';

/** Fetches an object and checks its bytes; no single read is believed. @throws ObjectMissingError, ObjectCorruptError */
export async function download(context: DownloadContext, object: PromisedObject, path: string): Promise<void> {
  const first = await fetchOnce(context, object, path);
  if (first === 'sound') return;
  context.log.warn({ key: object.key, found: first }, 'the object did not arrive as it was written; fetched once more');
  const second = await fetchOnce(context, object, path);
  if (second === 'missing') throw new ObjectMissingError(object.key);
  if (second === 'corrupt') throw new ObjectCorruptError(object.key);
}

async function fetchOnce(
  { storage, signal }: DownloadContext,
  { key, sha256 }: PromisedObject,
  path: string,
): Promise<Arrival> {
  if (!(await storage.getToFile(key, path, { signal }))) return 'missing';
  return !sha256 || (await sha256OfFile(path)) === sha256 ? 'sound' : 'corrupt';
}
