import { UPLOADS_PREFIX } from '@farm/contracts';
import type { ObjectStorage } from '@farm/storage';
import type { Logger } from 'pino';
import { deleteObjects } from './delete-objects.js';

/** What the API promises for files that are sent before their job; a job keeps its own copy. */
export const UPLOAD_LIFETIME_MS = 24 * 3_600_000;

/** Deletes uploads that are older than a day. */
export async function runOnce(context: {
  storage: ObjectStorage;
  log: Logger;
  uploadLifetimeMs?: number;
}): Promise<number> {
  const { storage, log, uploadLifetimeMs = UPLOAD_LIFETIME_MS } = context;
  const before = Date.now() - uploadLifetimeMs;
  const count = await deleteObjects(storage, expiredUploads(storage, before));
  if (count > 0) log.info({ count }, 'expired uploads deleted');
  return count;
}

async function* expiredUploads(storage: ObjectStorage, before: number): AsyncGenerator<string> {
  for await (const object of storage.list(UPLOADS_PREFIX)) if (object.modifiedAt.getTime() <= before) yield object.key;
}
