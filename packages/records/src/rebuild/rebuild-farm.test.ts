import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JobFile, Manifest, objectKeys } from '@farm/contracts';
import { createStorage, type ObjectStorage } from '@farm/storage';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { establishFarm } from '../identity/establish-farm.js';
import { getJob } from '../jobs/get-job.js';
import { listJobs } from '../jobs/list-jobs.js';
import { newTestJob, useTestRecords } from '../testing.js';
import { type RebuildOptions, rebuildFarm } from './rebuild-farm.js';

const { redis, context } = await useTestRecords();
let folder: string;
let storage: ObjectStorage;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'farm-rebuild-'));
});
beforeEach(async () => {
  storage = await createStorage({
    kind: 'filesystem',
    directory: await mkdtemp(join(folder, 'objects-')),
    internalBaseUrl: 'http://127.0.0.1:1',
    publicBaseUrl: 'http://127.0.0.1:1',
    secret: 'only-for-signing-urls',
  });
});
afterAll(() => rm(folder, { recursive: true }));

const rebuild = (changes: Partial<RebuildOptions> = {}) =>
  rebuildFarm({ redis, storage, write: true, signal: new AbortController().signal, onProgress: () => {}, ...changes });
const put = (key: string, content: object | string) =>
  storage.put(key, Buffer.from(typeof content === 'string' ? content : JSON.stringify(content)));

/** A job as a submit leaves it in storage. */
async function storeSubmitted(owner = 'anna') {
  const job = newTestJob({ owner });
  for (const input of [job.portrait, job.speech]) await put(input.key, 'x');
  await put(objectKeys.jobFile(job.id), JobFile.parse({ ...job, schema: 1, createdAt: '2026-01-02T03:04:05.000Z' }));
  return job;
}

/** A video with its manifest, as an assembly leaves them. */
async function storeVideo(job: Awaited<ReturnType<typeof storeSubmitted>>, attemptId: string, endedAt: string) {
  const key = objectKeys.output(job.id, attemptId, 'video.mp4');
  const manifest: Manifest = {
    schema: 1,
    jobId: job.id,
    owner: job.owner,
    createdAt: '2026-01-02T03:04:05.000Z',
    endedAt,
    spec: { ...job.spec, solver: 'euler' },
    inputs: { portrait: job.portrait, speech: { ...job.speech, seconds: 2 } },
    video: { key, sha256: 'a', bytes: 5, width: 64, height: 64, frameCount: 48, framesPerSecond: 25, seconds: 1.92 },
    segments: [],
    attempts: [],
    engine: { name: 'draft', version: '1' },
    warnings: [],
  };
  await put(key, 'video');
  await put(objectKeys.output(job.id, attemptId, 'manifest.json'), Manifest.parse(manifest));
  return key;
}

describe('rebuildFarm', () => {
  it('lists a finished job by its newest whole video, though a later manifest lacks its video or is damaged', async () => {
    const job = await storeSubmitted('anna');
    await storeVideo(job, 'a1', '2026-01-02T03:05:00.000Z');
    const newest = await storeVideo(job, 'a2', '2026-01-02T03:06:00.000Z');
    await put(await storeVideo(job, 'a3', '2026-01-02T03:07:00.000Z'), 'cut');
    await put(objectKeys.output(job.id, 'a4', 'manifest.json'), '{"schema":');
    await put(objectKeys.output(job.id, 'a2', 'poster.jpg'), 'jpg');
    expect(await rebuild()).toMatchObject({ finished: { anna: 1 }, unfinished: [], unusable: [] });
    const record = await getJob(context, job.id);
    expect(record).toMatchObject({
      status: 'succeeded',
      owner: 'anna',
      createdAt: Date.parse('2026-01-02T03:04:05.000Z'),
      endedAt: Date.parse('2026-01-02T03:06:00.000Z'),
      shrunk: true,
      framesCommitted: 48,
      video: { key: newest, posterKey: objectKeys.output(job.id, 'a2', 'poster.jpg') },
    });
    expect((await listJobs(context, { owner: 'anna', status: 'succeeded', limit: 10 })).jobs).toHaveLength(1);
    expect(await establishFarm({ redis, storage })).toBe(await storage.rootId());
  });

  it('submits an unfinished job again, as it was, and one whose video is lost; deleted ones stay deleted', async () => {
    const unfinished = await storeSubmitted();
    const lostVideo = await storeSubmitted();
    await storage.delete([await storeVideo(lostVideo, 'a1', '2026-01-02T03:05:00.000Z')]);
    const deleted = await storeSubmitted();
    await storeVideo(deleted, 'a1', '2026-01-02T03:05:00.000Z');
    await put(objectKeys.deletedFile(deleted.id), {});
    const canceled = await storeSubmitted();
    await put(objectKeys.endedFile(canceled.id), {
      schema: 1,
      status: 'failed',
      endedAt: '2026-01-02T03:05:00.000Z',
      error: { code: 'internal', message: 'x' },
    });
    const noInput = await storeSubmitted();
    await storage.delete([noInput.speech.key]);
    await put('jobs/older/input/speech.wav', 'x');

    const dry = await rebuild({ write: false });
    expect(await redis.keys('*')).toEqual([]);
    const report = await rebuild();
    expect({ ...report, farmId: '' }).toEqual({ ...dry, farmId: '' });
    expect(report).toMatchObject({ finished: {}, ended: 1, deleted: 1 });
    expect(report.unfinished.map(({ jobId }) => jobId)).toEqual([unfinished.id, lostVideo.id].sort());
    expect(report.unusable.map(({ jobId }) => jobId).sort()).toEqual([noInput.id, 'older'].sort());
    expect(report.unusable.find(({ jobId }) => jobId === noInput.id)?.reason).toContain(noInput.speech.key);
    const { portrait, speech, spec } = unfinished;
    expect(await getJob(context, unfinished.id)).toMatchObject({
      status: 'preparing',
      portrait,
      speech,
      spec,
      createdAt: 1767323045000,
    });
    expect(await getJob(context, canceled.id)).toMatchObject({ status: 'failed', error: { code: 'internal' } });
    expect(await getJob(context, deleted.id)).toBeUndefined();
    // The sweep knows it as deleted.
    expect(await redis.zrange('{farm}:deleted-jobs', 0, '-1')).toEqual([deleted.id]);
    expect(await rebuild()).toMatchObject({ known: 3, deleted: 1, unfinished: [], ended: 0 });
  });

  it('knows the farm only at its end, and continues after an interruption', async () => {
    for (let count = 0; count < 40; count += 1) await storeSubmitted();
    const stop = new AbortController();
    await expect(rebuild({ signal: stop.signal, onProgress: () => stop.abort() })).rejects.toThrow();
    expect(await redis.exists('{farm}:storage-root')).toBe(0);
    const { known, unfinished } = await rebuild();
    expect(known).toBeGreaterThan(0);
    expect(known + unfinished.length).toBe(40);
  });

  it('refuses a Redis that holds another farm, and gives a storage its lost id back when Redis knows its jobs', async () => {
    await redis.set('{farm}:storage-root', 'mine');
    const job = await storeSubmitted();
    await expect(rebuild()).rejects.toMatchObject({ code: 'other-storage-root' });
    await redis.hset(`{farm}:job:${job.id}`, 'id', job.id);
    await rebuild();
    expect(await storage.rootId()).toBe('mine');
    await redis.set('{farm}:storage-root', 'foreign');
    await expect(rebuild()).rejects.toMatchObject({ code: 'other-storage-root' });
  });
});
