import { buffer } from 'node:stream/consumers';
import type { ListedObject, ObjectStorage } from '../object-storage.js';

export interface StorageUnderTest {
  storage: ObjectStorage;
  /** A second process's view of the same root. */
  sibling: ObjectStorage;
  /** Uploads of `key` that were begun and neither finished nor removed. */
  unfinishedUploads(key: string): Promise<number>;
  stop(): Promise<void>;
}

export const MEBIBYTE = 1024 * 1024;

export async function listAll(storage: ObjectStorage, prefix: string): Promise<ListedObject[]> {
  const found: ListedObject[] = [];
  for await (const object of storage.list(prefix)) found.push(object);
  return found;
}

export async function readAll(storage: ObjectStorage, key: string): Promise<Buffer | undefined> {
  const object = await storage.get(key);
  return object === undefined ? undefined : await buffer(object.stream);
}
