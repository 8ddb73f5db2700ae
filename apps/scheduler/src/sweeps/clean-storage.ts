import type { ObjectCount, StorageSweep } from '@farm/contracts';
import { abandonSubmit, type RecordsContext, takeConfirmedCount, writeSweepReport } from '@farm/records';
import type { ListedObject, ObjectStorage } from '@farm/storage';
import type { Logger } from 'pino';
import { deleteJobObjects, forgetIfEmpty } from './clean-storage/delete-job-objects.js';
import { deleteObjects } from './clean-storage/delete-objects.js';
import { judgeObjects, type LeftOver } from './clean-storage/judge-objects.js';

interface SweepContext {
  records: RecordsContext;
  storage: ObjectStorage;
  /** How old an object must be: an upload comes before its commit. */
  unreferencedMs: number;
  log: Logger;
}

/** A pass deletes no more than this by itself, or than this share of what it saw, of what nobody asked it to delete. */
const MOST_DELETED = 100;
const LARGEST_SHARE = 0.05;
const SHOWN_KEYS = 5;

/**
 * Deletes what a record of this farm says is gone: deleted jobs, the pieces of canceled ones, submits that never became a
 * job, and what ended attempts left that nothing refers to. What no record mentions is left alone and counted. A pass that
 * would delete unusually much beyond what people asked for stops, and waits until somebody confirms it.
 */
export async function runOnce(context: SweepContext): Promise<number> {
  const { records, storage, unreferencedMs, log } = context;
  let deleted = await deleteJobObjects(context);
  const found = await judgeObjects(context);
  deleted += await deleteObjects(storage, keysOf(found.askedFor));
  const isStopped = found.leftOver.length > (await mostDeleted(records, found.seen));
  if (!isStopped) deleted += await deleteLeftOver(context, found.leftOver);
  await storage.sweepUnfinishedUploads({ olderThanMs: Math.max(unreferencedMs, 60_000) });
  const report: StorageSweep = {
    at: new Date().toISOString(),
    seen: found.seen,
    deleted,
    waiting: isStopped ? countOf(found.leftOver) : null,
    unknown: countOf(found.unknown),
  };
  await writeSweepReport(records, report);
  logReport(report, log);
  return deleted;
}

async function mostDeleted(records: RecordsContext, seen: number): Promise<number> {
  const usual = Math.max(MOST_DELETED, Math.floor(LARGEST_SHARE * seen));
  return Math.max(usual, await takeConfirmedCount(records));
}

/** Left over by attempts and by submits; the latter may have become jobs since they were judged. */
async function deleteLeftOver(context: SweepContext, leftOver: readonly LeftOver[]): Promise<number> {
  const { records, storage, unreferencedMs } = context;
  const abandoned = new Map<string, boolean>();
  const keys: string[] = [];
  for (const { key, submit } of leftOver) {
    if (submit !== undefined && !abandoned.has(submit))
      abandoned.set(submit, await abandonSubmit(records, submit, unreferencedMs));
    if (submit === undefined || abandoned.get(submit)) keys.push(key);
  }
  const count = await deleteObjects(storage, keys);
  for (const [jobId, isAbandoned] of abandoned) if (isAbandoned) await forgetIfEmpty(context, jobId);
  return count;
}

const keysOf = (objects: readonly ListedObject[]) => objects.map(({ key }) => key);

const countOf = (objects: readonly ListedObject[]): ObjectCount => ({
  count: objects.length,
  bytes: objects.reduce((sum, { size }) => sum + size, 0),
  keys: keysOf(objects.slice(0, SHOWN_KEYS)),
});

function logReport({ seen, deleted, waiting, unknown }: StorageSweep, log: Logger): void {
  if (deleted > 0) log.info({ count: deleted }, 'objects that are gone by their records deleted');
  if (waiting)
    log.error(
      { ...waiting, seen },
      'the sweep would delete unusually many objects and has stopped; look with `farm storage sweep`, then continue ' +
        'with `farm storage sweep --confirm`',
    );
  if (unknown.count > 0) log.warn(unknown, 'objects that no record mentions are left alone');
}
