import type { ObjectStorage } from '@farm/storage';

const BATCH = 500;

/** Deletes objects in batches, as their keys come. @returns how many */
export async function deleteObjects(
  storage: ObjectStorage,
  keys: AsyncIterable<string> | Iterable<string>,
): Promise<number> {
  let batch: string[] = [];
  let count = 0;
  const flush = async () => {
    await storage.delete(batch);
    count += batch.length;
    batch = [];
  };
  for await (const key of keys) {
    batch.push(key);
    if (batch.length === BATCH) await flush();
  }
  await flush();
  return count;
}
