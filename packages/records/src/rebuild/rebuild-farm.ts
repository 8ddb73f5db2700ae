import { randomUUID } from 'node:crypto';
import { JOBS_PREFIX, jobOfKey } from '@farm/contracts';
import type { Redis } from 'ioredis';
import { OtherStorageRootError } from '../identity/errors.js';
import { FARM_ROOT, readKnownRoot } from '../identity/farm-root.js';
import { KEY_PREFIX } from '../redis/key-prefix.js';
import { readStoredJob, type StoredJob, type UnfinishedObjects } from './read-stored-job.js';
import { restoreJob } from './restore-job.js';
import type { StoredFile, StoredFiles } from './stored-files.js';

export interface RebuildOptions {
  redis: Redis;
  storage: StoredFiles;
  /** Otherwise nothing is written: the report says what would be. */
  write: boolean;
  signal: AbortSignal;
  /** Called as jobs are read. */
  onProgress(jobCount: number): void;
}

/** What a rebuild did, or would do. */
export interface RebuildReport {
  farmId: string;
  /** Jobs that Redis knows already; they are left as they are. */
  known: number;
  /** Jobs with a video, by owner. */
  finished: Record<string, number>;
  /** Jobs that failed or were canceled. */
  ended: number;
  /** Jobs that start again from their inputs, with what the storage has of them. */
  unfinished: { jobId: string; owner: string; objects: UnfinishedObjects }[];
  /** Deleted jobs whose last objects the sweep will delete. */
  deleted: number;
  /** Jobs that cannot be listed again; their objects stay. */
  unusable: { jobId: string; reason: string }[];
}

/** Manifests that are read at the same time. */
const AT_A_TIME = 16;

/**
 * Lists the jobs of a storage in a Redis that has lost them. The farm is known there again only at the end, so that
 * nothing starts before all of it is back; after an interruption it may be run again.
 *
 * @throws OtherStorageRootError where Redis holds the records of another farm
 */
export async function rebuildFarm(options: RebuildOptions): Promise<RebuildReport> {
  const { redis, storage, write, signal, onProgress } = options;
  const farmId = await farmIdOf(options);
  const report: RebuildReport = {
    farmId,
    known: 0,
    finished: {},
    ended: 0,
    unfinished: [],
    deleted: 0,
    unusable: [],
  };
  let count = 0;
  for await (const jobs of batchesOf(jobsIn(storage), AT_A_TIME)) {
    signal.throwIfAborted();
    const results = await Promise.all(jobs.map((job) => rebuildJob(options, job)));
    for (const stored of results) addTo(report, stored);
    count += jobs.length;
    onProgress(count);
  }
  if (write) {
    await storage.claimRoot(farmId);
    await redis.setnx(FARM_ROOT, farmId);
  }
  return report;
}

async function farmIdOf({ redis, storage }: RebuildOptions): Promise<string> {
  const [known, seen] = await Promise.all([readKnownRoot(redis), storage.rootId()]);
  if (known === undefined) return seen ?? randomUUID();
  if (known === seen || (seen === undefined && (await knowsAnyJob(redis, storage)))) return known;
  throw new OtherStorageRootError({ known, seen }, { redis, storage });
}

const isRecorded = async (redis: Redis, jobId: string): Promise<boolean> =>
  (await redis.exists(`${KEY_PREFIX}job:${jobId}`)) === 1;

/** A storage that has lost its id is still the farm's when Redis has records of its jobs. */
async function knowsAnyJob(redis: Redis, storage: StoredFiles): Promise<boolean> {
  for await (const { jobId } of jobsIn(storage)) if (await isRecorded(redis, jobId)) return true;
  return false;
}

interface ListedJob {
  jobId: string;
  objects: StoredFile[];
}

/** Keys come in order, so the objects of one job follow each other. */
async function* jobsIn(storage: StoredFiles): AsyncGenerator<ListedJob> {
  let current: ListedJob | undefined;
  for await (const object of storage.list(JOBS_PREFIX)) {
    const jobId = jobOfKey(object.key);
    if (jobId === undefined) continue;
    if (current?.jobId !== jobId) {
      if (current) yield current;
      current = { jobId, objects: [] };
    }
    current.objects.push(object);
  }
  if (current) yield current;
}

async function* batchesOf<Item>(items: AsyncIterable<Item>, size: number): AsyncGenerator<Item[]> {
  let batch: Item[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

async function rebuildJob(
  { redis, storage, write }: RebuildOptions,
  { jobId, objects }: ListedJob,
): Promise<StoredJob | 'known'> {
  if (await isRecorded(redis, jobId)) return 'known';
  const stored = await readStoredJob(storage, jobId, objects);
  // Tickets are added by the scheduler's next sweep.
  if (write) await restoreJob({ redis, enqueue: async () => {} }, stored);
  return stored;
}

function addTo(report: RebuildReport, stored: StoredJob | 'known'): void {
  if (stored === 'known') report.known += 1;
  else if (stored.kind === 'finished') {
    const { owner } = stored.video.manifest;
    report.finished[owner] = (report.finished[owner] ?? 0) + 1;
  } else if (stored.kind === 'ended') report.ended += 1;
  else if (stored.kind === 'deleted') report.deleted += 1;
  else if (stored.kind === 'unusable') report.unusable.push({ jobId: stored.jobId, reason: stored.reason });
  else report.unfinished.push({ jobId: stored.jobId, owner: stored.file.owner, objects: stored.objects });
}
