import { randomUUID } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { ProbeObjectLostError } from './errors.js';
import type { StoredObject } from './object-storage.js';

/** Writes, reads and deletes an object that nobody else sees. */
export async function probeStorage(storage: {
  put(key: string, body: Buffer): Promise<unknown>;
  get(key: string): Promise<StoredObject | undefined>;
  delete(key: string): Promise<void>;
}): Promise<void> {
  const key = `.farm-probe-${randomUUID()}`;
  const written = Buffer.from(key);
  await storage.put(key, written);
  try {
    const object = await storage.get(key);
    const read = object === undefined ? undefined : await buffer(object.stream);
    if (read?.equals(written)) return;
    throw new ProbeObjectLostError();
  } finally {
    await storage.delete(key);
  }
}
