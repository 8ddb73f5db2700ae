import { ObjectMissingError } from './errors.js';
import type { TaskContext } from './task-context.js';

/** Fetches an object that the records promise. @throws ObjectMissingError */
export async function download(
  { storage, signal }: Pick<TaskContext, 'storage' | 'signal'>,
  key: string,
  path: string,
): Promise<void> {
  const found = await storage.getToFile(key, path, { signal });
  if (!found) throw new ObjectMissingError(key);
}
