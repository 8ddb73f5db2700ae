import { UPLOADS_PREFIX } from '@farm/contracts';
import { forgetUploads, noteUpload, type RecordsContext, redisNow } from '@farm/records';
import type { ObjectStorage } from '@farm/storage';
import type { Logger } from 'pino';
import { deleteObjects } from './clean-storage/delete-objects.js';

/** What the API promises for files that are sent before their job; a job keeps its own copy. */
export const UPLOAD_LIFETIME_MS = 24 * 3_600_000;

interface UploadContext {
  records: RecordsContext;
  storage: ObjectStorage;
  log: Logger;
  uploadLifetimeMs?: number;
}

/** Deletes uploads that this farm has known for a day; one that it sees for the first time has a day from now on. */
export async function runOnce(context: UploadContext): Promise<number> {
  const { records, storage, log, uploadLifetimeMs = UPLOAD_LIFETIME_MS } = context;
  const count = await deleteObjects(storage, expiredUploads(context, uploadLifetimeMs));
  await forgetUploads(records, 2 * Math.max(uploadLifetimeMs, UPLOAD_LIFETIME_MS));
  if (count > 0) log.info({ count }, 'expired uploads deleted');
  return count;
}

async function* expiredUploads({ records, storage }: UploadContext, lifetimeMs: number): AsyncGenerator<string> {
  const before = (await redisNow(records)) - lifetimeMs;
  for await (const { key, modifiedAt } of storage.list(UPLOADS_PREFIX)) {
    // A file that was sent again starts again.
    if ((await noteUpload(records, key)) >= lifetimeMs && modifiedAt.getTime() <= before) yield key;
  }
}
