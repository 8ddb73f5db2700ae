import { FarmError } from '@farm/contracts';
import type { TaskContext } from './task-context.js';

/** Fetches an object that the records promise. */
export async function download(context: TaskContext, key: string, path: string): Promise<void> {
  if (!(await context.storage.getToFile(key, path, { signal: context.signal })))
    throw new FarmError('object-missing', `The object ${key} is no longer in storage. Submit the job again.`);
}
