import type { Readable } from 'node:stream';
import { json } from 'node:stream/consumers';
import type { RootStorage } from '../identity/farm-root.js';

export interface StoredFile {
  key: string;
  size: number;
}

/** What a rebuild needs of the object storage. */
export interface StoredFiles extends RootStorage {
  list(prefix: string): AsyncIterable<StoredFile>;
  get(key: string): Promise<{ stream: Readable } | undefined>;
}

/** A JSON object of the storage; undefined where there is none, or it is not what it should be. */
export async function readStored<Content>(
  storage: StoredFiles,
  key: string,
  schema: { parse(value: unknown): Content },
): Promise<Content | undefined> {
  const object = await storage.get(key);
  if (object === undefined) return undefined;
  try {
    return schema.parse(await json(object.stream));
  } catch (error) {
    // What cannot be parsed is a finding; what cannot be read, a failure of the storage.
    if (error instanceof SyntaxError || (error instanceof Error && error.name === 'ZodError')) return undefined;
    throw error;
  }
}
