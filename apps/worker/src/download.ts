import { ObjectMissingError } from './errors.js';
import type { TaskContext } from './task-context.js';

/** Fetches an object that the records promise. @throws ObjectMissingError */
export async function download(context: TaskContext, key: string, path: string): Promise<void> {
  const found = await context.storage.getToFile(key, path, { signal: context.signal });
  if (!found) throw new ObjectMissingError(key);
}
