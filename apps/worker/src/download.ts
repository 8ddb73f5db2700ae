import type { StoredInput } from '@farm/records';
import { ObjectCorruptError, ObjectMissingError } from './errors.js';
import { sha256OfFile } from './sha256-of-file.js';
import type { TaskContext } from './task-context.js';

/** An object that the records promise; without a hash, as in older records, its bytes are believed. */
export type PromisedObject = Pick<StoredInput, 'key'> & { sha256?: string | undefined };

type DownloadContext = Pick<TaskContext, 'storage' | 'signal' | 'log'>;

/** Fetches an object and checks its bytes. @throws ObjectMissingError, ObjectCorruptError */
export async function download(context: DownloadContext, object: PromisedObject, path: string): Promise<void> {
  if (await arrives(context, object, path)) return;
  context.log.warn({ key: object.key }, 'the object arrived with other bytes than were written; fetched once more');
  if (!(await arrives(context, object, path))) throw new ObjectCorruptError(object.key);
}

async function arrives(
  { storage, signal }: DownloadContext,
  { key, sha256 }: PromisedObject,
  path: string,
): Promise<boolean> {
  if (!(await storage.getToFile(key, path, { signal }))) throw new ObjectMissingError(key);
  return !sha256 || (await sha256OfFile(path)) === sha256;
}
