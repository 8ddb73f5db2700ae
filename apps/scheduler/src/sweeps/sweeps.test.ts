import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { type Manifest, objectKeys, specDefaults } from '@farm/contracts';
import { openTicketQueues, type TicketQueues } from '@farm/queue';
import {
  cancelJob,
  claimTask,
  commitPiece,
  confirmSweep,
  connectRedis,
  createJob,
  deleteJob,
  finishAttempt,
  getJob,
  KEY_PREFIX,
  LEASE_MS,
  type NewJob,
  newJobId,
  noteSubmit,
  type RecordsContext,
  readSweepReport,
} from '@farm/records';
import { createStorage, type ObjectStorage } from '@farm/storage';
import { type RunningRedisServer, startRedisServer } from '@farm/toolchain';
import type { Redis } from 'ioredis';
import pino from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import * as advanceJobs from './advance-jobs.js';
import * as cleanStorage from './clean-storage.js';
import * as expireLeases from './expire-leases.js';
import * as expireUploads from './expire-uploads.js';
import * as moveHostTasks from './move-host-tasks.js';
import * as noteEndedJobs from './note-ended-jobs.js';
import * as shrinkJobs from './shrink-jobs.js';
import * as storeJobFiles from './store-job-files.js';

const log = pino({ level: 'silent' });
let folder: string;
let server: RunningRedisServer;
let redis: Redis;
let queues: TicketQueues;
let storage: ObjectStorage;
let records: RecordsContext;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'farm-scheduler-'));
  server = await startRedisServer({ directory: join(folder, 'redis') });
  redis = connectRedis(server.url, { manner: 'patient' });
  queues = openTicketQueues(redis);
  records = { redis, enqueue: queues.add };
});
afterAll(async () => {
  await queues.close();
  redis.disconnect();
  await server.stop();
  await rm(folder, { recursive: true });
});
beforeEach(async () => {
  await redis.flushall();
  storage = await createStorage({
    kind: 'filesystem',
    directory: await mkdtemp(join(folder, 'objects-')),
    internalBaseUrl: 'http://127.0.0.1:1',
    publicBaseUrl: 'http://127.0.0.1:1',
    secret: 'only-for-signing-urls',
  });
});

async function newJob(): Promise<NewJob> {
  const id = newJobId();
  const input = async (part: 'portrait' | 'speech') => {
    const key = objectKeys.input(id, part, 'bin');
    await storage.put(key, Buffer.from(part));
    return { key, sha256: '0'.repeat(64), bytes: part.length };
  };
  const [portrait, speech] = [await input('portrait'), await input('speech')];
  const spec = { ...specDefaults, prompt: 'x', width: 64, height: 64, seed: 1, engine: 'draft' as const, metadata: {} };
  return { id, owner: 'anna', spec, vramClass: 'cpu', portrait, speech, warnings: [] };
}

async function submitted(): Promise<string> {
  const job = await newJob();
  await createJob(records, job);
  return job.id;
}

async function claim(taskClass: 'media' | 'cpu', engine: '' | 'draft') {
  const claimed = await claimTask(records, {
    workerId: 'w1',
    classes: [taskClass],
    engine,
    warmKey: '',
    leaseMs: LEASE_MS,
  });
  if (typeof claimed === 'string') throw new Error(claimed);
  return claimed;
}

/** A job with one render of 48 frames under way; its prepared inputs are in storage. */
async function rendering() {
  const id = await submitted();
  const prepare = await claim('media', '');
  const key = (name: string) => objectKeys.prepared(id, prepare.attempt.id, name);
  for (const name of ['portrait.png', 'speech.wav', 'segment.wav']) await storage.put(key(name), Buffer.from(name));
  const segment = {
    firstFrame: 0,
    frameCount: 48,
    speechKey: key('segment.wav'),
    marginBefore: 0,
    sampleCount: 1,
    seed: 1,
  };
  const speech = { key: key('speech.wav'), sampleCount: 1, seconds: 1 };
  const result = { frameCount: 48, portraitKey: key('portrait.png'), speech, segments: [segment], warnings: [] };
  await finishAttempt(records, prepare.attempt.id, { status: 'succeeded', result, metrics: {} });
  return { id, claimed: await claim('cpu', 'draft') };
}

/** A job with a video, whose details are dropped. */
async function finishedVideo() {
  const { id, claimed } = await rendering();
  const { taskId, attemptId } = { taskId: claimed.task.id, attemptId: claimed.attempt.id };
  await commitPiece(records, { taskId, attemptId, piece: await putPiece(claimed) });
  await finishAttempt(records, attemptId, { status: 'succeeded', result: {}, metrics: {} });
  const assembly = await claim('media', '');
  const key = (name: 'video.mp4' | 'manifest.json') => objectKeys.output(id, assembly.attempt.id, name);
  const sha256 = createHash('sha256').update('video').digest('hex');
  const video = { key: key('video.mp4'), sha256, bytes: 5, width: 64, height: 64, frameCount: 48, seconds: 1.92 };
  const manifest: Manifest = {
    schema: 1,
    jobId: id,
    owner: 'anna',
    createdAt: new Date().toISOString(),
    endedAt: new Date().toISOString(),
    spec: {},
    inputs: { portrait: assembly.job.portrait, speech: { ...assembly.job.speech, seconds: 1.92 } },
    video: { ...video, framesPerSecond: 25 },
    segments: [],
    attempts: [],
    engine: { name: 'draft', version: '1' },
    warnings: [],
  };
  await storage.put(video.key, Buffer.from('video'));
  await storage.put(key('manifest.json'), Buffer.from(JSON.stringify(manifest)));
  const result = { ...video, manifestKey: key('manifest.json') };
  await finishAttempt(records, assembly.attempt.id, { status: 'succeeded', result, metrics: {} });
  expect(await getJob(records, id)).toMatchObject({ status: 'succeeded', video: result });
  expect(await shrinkJobs.runOnce({ records, storage, keepDetailsMs: -1, log })).toBe(1);
  return { id, ...result };
}

async function putPiece(claimed: Awaited<ReturnType<typeof claim>>) {
  const key = objectKeys.piece(claimed.job.id, {
    taskId: claimed.task.id,
    attemptId: claimed.attempt.id,
    firstFrame: 0,
  });
  await storage.put(key, Buffer.from('piece'));
  return { firstFrame: 0, frameCount: 48, key, bytes: 5, rawSha256: '', fileSha256: '', attemptId: claimed.attempt.id };
}

/** The storage with some of its methods replaced. */
const storageWith = (changes: Partial<ObjectStorage>): ObjectStorage =>
  new Proxy(storage, {
    get(target, name) {
      if (name in changes) return changes[name as keyof ObjectStorage];
      const member = target[name as keyof ObjectStorage];
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });

async function keysLeft(): Promise<string[]> {
  const keys: string[] = [];
  for await (const object of storage.list('')) keys.push(object.key);
  return keys;
}

describe('clean-storage', () => {
  const clean = (unreferencedMs = 0) => cleanStorage.runOnce({ records, storage, unreferencedMs, log });

  it('keeps everything that a record points to, and the logs', async () => {
    const { claimed } = await rendering();
    const piece = await putPiece(claimed);
    await commitPiece(records, { taskId: claimed.task.id, attemptId: claimed.attempt.id, piece });
    await storage.put(objectKeys.log(claimed.job.id, claimed.attempt.id), Buffer.from('{}'));
    const before = await keysLeft();
    expect(await clean()).toBe(0);
    expect(await keysLeft()).toEqual(before);
  });

  it('deletes what an ended attempt left and what a dead submit stored, and nothing that is young', async () => {
    const { claimed } = await rendering();
    const { key } = await putPiece(claimed);
    await noteSubmit(records, 'never-submitted');
    const input = objectKeys.input('never-submitted', 'speech', 'wav');
    await storage.put(input, Buffer.from('x'));
    const before = await keysLeft();
    // Its attempt may still commit it.
    expect(await clean(60_000)).toBe(0);
    await finishAttempt(records, claimed.attempt.id, { status: 'interrupted', metrics: {} });
    expect(await clean(60_000)).toBe(0);
    expect(await clean()).toBe(2);
    expect(await keysLeft()).toEqual(before.filter((each) => each !== key && each !== input));
    await expect(createJob(records, { ...(await newJob()), id: 'never-submitted' })).rejects.toMatchObject({
      code: 'submit-abandoned',
    });
  });

  it('keeps the piece of a running attempt, however old', async () => {
    const { claimed } = await rendering();
    const { key } = await putPiece(claimed);
    await clean();
    expect(await keysLeft()).toContain(key);
  });

  it('leaves alone, and reports, what it does not know: a job, an attempt, a kind of object', async () => {
    const { id } = await rendering();
    const unknown = [
      'jobs/zz/input/speech.wav',
      'jobs/zz/output/a/video.mp4',
      objectKeys.piece(id, { taskId: `${id}-render-00000`, attemptId: 'forgotten', firstFrame: 0 }),
      `jobs/${id}/new-kind/thing.bin`,
    ];
    for (const key of unknown) await storage.put(key, Buffer.from('x'));
    expect(await clean()).toBe(0);
    expect((await readSweepReport(records))?.unknown).toMatchObject({ count: 4, bytes: 4 });
    for (const key of unknown) expect(await storage.head(key)).toBeDefined();
  });

  it('deletes all that a deleted job stored, at once, the note of its deletion last', async () => {
    const { id, claimed } = await rendering();
    await cancelJob(records, id);
    await finishAttempt(records, claimed.attempt.id, { status: 'interrupted', metrics: {} });
    for (let index = 0; index < 150; index += 1) await storage.put(`jobs/${id}/new-kind/${index}`, Buffer.from('x'));
    await storage.put(objectKeys.deletedFile(id), Buffer.from('{}'));
    expect(await deleteJob(records, id)).toBe('deleted');
    const deleted: string[][] = [];
    const watched: ObjectStorage = storageWith({
      delete: async (keys) => {
        deleted.push([...keys]);
        await storage.delete(keys);
      },
    });
    await cleanStorage.runOnce({ records, storage: watched, unreferencedMs: 0, log });
    expect(await keysLeft()).toEqual([]);
    expect(deleted.flat().indexOf(objectKeys.deletedFile(id))).toBe(deleted.flat().length - 1);
  });

  it('keeps everything when Redis is emptied in the middle of a pass, at whichever read', async () => {
    const video = await finishedVideo();
    for (let reads = 0; reads < 12; reads += 1) {
      let left = reads;
      const emptied = new Proxy(redis, {
        get(target, name) {
          const member = Reflect.get(target, name, target);
          if (name !== 'hgetall' && name !== 'lrange')
            return typeof member === 'function' ? member.bind(target) : member;
          left -= 1;
          return left >= 0 ? member.bind(target) : async () => (name === 'lrange' ? [] : {});
        },
      });
      await cleanStorage.runOnce({ records: { ...records, redis: emptied }, storage, unreferencedMs: 0, log });
      expect(await storage.head(video.key)).toBeDefined();
      expect(await storage.head(video.manifestKey)).toBeDefined();
      expect((await keysLeft()).filter((key) => key.includes('/input/'))).toHaveLength(2);
    }
  });

  describe('of more than usual', () => {
    /** Pieces that an ended attempt left. */
    async function leftOver(count: number): Promise<string> {
      const { claimed } = await rendering();
      const { id } = claimed.job;
      const [taskId, attemptId] = [claimed.task.id, claimed.attempt.id];
      for (let firstFrame = 0; firstFrame < count; firstFrame += 1)
        await storage.put(objectKeys.piece(id, { taskId, attemptId, firstFrame }), Buffer.from('x'));
      const error = { code: 'internal', message: 'x' };
      await finishAttempt(records, attemptId, { status: 'failed', error, failureClass: 'input', metrics: {} });
      return id;
    }

    it('deletes 100 by itself, and nothing of 101 until that is confirmed', async () => {
      await leftOver(100);
      expect(await clean()).toBe(100);
      const id = await leftOver(101);
      const before = await keysLeft();
      expect(await clean()).toBe(0);
      expect(await clean()).toBe(0);
      expect(await keysLeft()).toEqual(before);
      expect((await readSweepReport(records))?.waiting).toMatchObject({ count: 101, bytes: 101 });
      expect((await confirmSweep(records))?.waiting?.count).toBe(101);
      expect(await clean()).toBe(101);
      expect((await readSweepReport(records))?.waiting).toBeNull();
      expect(await confirmSweep(records)).toBeUndefined();
      expect((await keysLeft()).filter((key) => key.startsWith(`jobs/${id}/pieces/`))).toEqual([]);
      // A confirmation is for one sweep and for what was shown.
      await leftOver(101);
      expect(await clean()).toBe(0);
    });

    it('does not delete more than was confirmed', async () => {
      await leftOver(101);
      await clean();
      await confirmSweep(records);
      await leftOver(5);
      expect(await clean()).toBe(0);
    });

    it('deletes up to 5 % of what it saw', async () => {
      await leftOver(107);
      // 107 pieces, 5 inputs and 2028 objects that nobody knows.
      const withMore = (count: number): ObjectStorage =>
        storageWith({
          async *list(prefix: string) {
            yield* storage.list(prefix);
            if (prefix !== 'jobs/') return;
            for (let index = 0; index < count; index += 1)
              yield { key: `jobs/zz/input/${index}`, size: 1, modifiedAt: new Date(0) };
          },
        });
      const cleanWith = (count: number) =>
        cleanStorage.runOnce({ records, storage: withMore(count), unreferencedMs: 0, log });
      expect(await cleanWith(2027)).toBe(0);
      expect(await cleanWith(2028)).toBe(107);
    });

    it('still deletes what somebody canceled or deleted', async () => {
      await leftOver(101);
      const { claimed } = await rendering();
      const { id } = claimed.job;
      for (let firstFrame = 0; firstFrame < 120; firstFrame += 1)
        await storage.put(
          objectKeys.piece(id, { taskId: claimed.task.id, attemptId: claimed.attempt.id, firstFrame }),
          Buffer.from('x'),
        );
      await cancelJob(records, id);
      await finishAttempt(records, claimed.attempt.id, { status: 'interrupted', metrics: {} });
      expect(await clean()).toBe(120);
    });
  });

  it('deletes the pieces of a canceled job once its attempts have ended', async () => {
    const { id, claimed } = await rendering();
    const piece = await putPiece(claimed);
    await commitPiece(records, { taskId: claimed.task.id, attemptId: claimed.attempt.id, piece });
    await cancelJob(records, id);
    await finishAttempt(records, claimed.attempt.id, { status: 'interrupted', metrics: {} });
    await clean();
    expect((await keysLeft()).some((key) => key.includes('/pieces/'))).toBe(false);
  });

  it('keeps what belongs to a record that it cannot read, and continues', async () => {
    const { id } = await rendering();
    await redis.hset(`${KEY_PREFIX}job:${id}`, 'schema', 99);
    const before = await keysLeft();
    await noteSubmit(records, 'zz-never-submitted');
    await storage.put(objectKeys.input('zz-never-submitted', 'speech', 'wav'), Buffer.from('x'));
    expect(await clean()).toBe(1);
    expect(await keysLeft()).toEqual(before);
  });

  it('leaves the pieces of a shrunk job, too, while its manifest or its video is not whole', async () => {
    const { key, manifestKey } = await finishedVideo();
    const pieces = async () => (await keysLeft()).filter((each) => each.includes('/pieces/')).length;
    const manifest = Buffer.from(await new Response((await storage.get(manifestKey))!.stream as never).arrayBuffer());
    await storage.put(manifestKey, Buffer.from('{'));
    await clean();
    await storage.delete([manifestKey]);
    await clean();
    await storage.put(manifestKey, manifest);
    await storage.put(key, Buffer.from('cut'));
    await clean();
    expect(await pieces()).toBe(1);
    await storage.put(key, Buffer.from('video'));
    await clean();
    expect(await pieces()).toBe(0);
  });

  it('removes notes that a delete or a retry left half way, and keeps true ones', async () => {
    const { id, claimed } = await rendering();
    const [ended, deleted] = [objectKeys.endedFile(id), objectKeys.deletedFile(id)];
    await storage.put(ended, Buffer.from('{}'));
    await storage.put(deleted, Buffer.from('{}'));
    expect(await clean()).toBe(2);
    expect(await keysLeft()).not.toContain(deleted);
    await cancelJob(records, id);
    await finishAttempt(records, claimed.attempt.id, { status: 'interrupted', metrics: {} });
    await storage.put(ended, Buffer.from('{}'));
    await clean();
    expect(await keysLeft()).toContain(ended);
  });

  it('counts pieces of a failed job that a rebuild found against the limit of a pass', async () => {
    const { id, claimed } = await rendering();
    await cancelJob(records, id);
    await finishAttempt(records, claimed.attempt.id, { status: 'interrupted', metrics: {} });
    await redis.hset(`${KEY_PREFIX}job:${id}`, { status: 'failed', shrunk: 1, rebuilt: 1 });
    const pieces = Array.from({ length: 101 }, (_, index) => {
      const place = { taskId: `${id}-render-00000`, attemptId: claimed.attempt.id, firstFrame: index };
      return objectKeys.piece(id, place);
    });
    for (const key of pieces) await storage.put(key, Buffer.from('x'));
    expect(await clean()).toBe(0);
    expect((await readSweepReport(records))?.waiting?.count).toBeGreaterThanOrEqual(101);
    await redis.hdel(`${KEY_PREFIX}job:${id}`, 'rebuilt');
    expect(await clean()).toBeGreaterThanOrEqual(101);
  });

  it('goes by the clock of Redis', async () => {
    const { claimed } = await rendering();
    const { key } = await putPiece(claimed);
    await finishAttempt(records, claimed.attempt.id, { status: 'interrupted', metrics: {} });
    vi.setSystemTime(Date.now() + 7_200_000);
    try {
      expect(await clean(3_600_000)).toBe(0);
      expect(await keysLeft()).toContain(key);
    } finally {
      vi.useRealTimers();
    }
  });

  it('leaves outputs and inputs of a shrunk job', async () => {
    const { id, claimed } = await rendering();
    await cancelJob(records, id);
    await finishAttempt(records, claimed.attempt.id, { status: 'interrupted', metrics: {} });
    expect(await shrinkJobs.runOnce({ records, storage, keepDetailsMs: -1, log })).toBe(1);
    await clean();
    expect((await keysLeft()).every((key) => key.includes('/input/'))).toBe(true);
    expect(await getJob(records, id)).toMatchObject({ shrunk: true });
  });
});

describe('expire-leases', () => {
  it('ends the attempt of a silent worker and makes its task ready, with a ticket', async () => {
    const { claimed } = await rendering();
    await expireLeases.runOnce({ records, log });
    expect(await expireLeases.runOnce({ records, log })).toEqual([]);
    await redis.zadd(`${KEY_PREFIX}leases`, 1, claimed.attempt.id);
    const before = await queues.count('cpu');
    expect(await expireLeases.runOnce({ records, log })).toEqual([claimed.attempt.id]);
    expect(await queues.count('cpu')).toBe(before + 1);
  });
});

describe('advance-jobs', () => {
  it('adds tickets that were lost, and none twice', async () => {
    const id = await submitted();
    const bull = await redis.keys('{farm}:bull:*');
    await redis.del(...bull);
    expect(await advanceJobs.runOnce({ records, queues, log })).toBe(0);
    await redis.hset(`${KEY_PREFIX}task:${id}-prepare`, 'readyAt', 1);
    expect(await advanceJobs.runOnce({ records, queues, log })).toBe(1);
    expect(await queues.count('media')).toBe(1);
    expect(await advanceJobs.runOnce({ records, queues, log })).toBe(0);
  });
});

describe('move-host-tasks', () => {
  it('makes a task of the old class claimable, with a ticket, and leaves nothing of the old queue', async () => {
    const task = `${await submitted()}-prepare`;
    const [, order] = await redis.zpopmin(`${KEY_PREFIX}ready:media`);
    await redis.zadd(`${KEY_PREFIX}ready:host`, order!, task);
    await redis.hset(`${KEY_PREFIX}task:${task}`, 'schema', 2, 'taskClass', 'host');
    for (const key of await redis.keys('{farm}:bull:tickets-media:*'))
      await redis.rename(key, key.replace('tickets-media', 'tickets-host'));
    await redis.hset('{farm}:bull:tickets-host:meta', 'opts.maxLenEvents', 10_000);
    expect(await moveHostTasks.runOnce({ records, log })).toBe(1);
    expect(await moveHostTasks.runOnce({ records, log })).toBe(0);
    expect(await queues.count('media')).toBe(1);
    expect((await redis.keys('*')).filter((key) => key.includes('host'))).toEqual([]);
    expect((await claim('media', '')).task.id).toBe(task);
  });
});

describe('expire-uploads', () => {
  it('deletes what the farm has known for a day, however old the file, and nothing else', async () => {
    const upload = objectKeys.upload('anna', 'fresh.wav');
    const kept = objectKeys.input('job', 'speech', 'wav');
    for (const key of [upload, kept]) await storage.put(key, Buffer.from('x'));
    const expire = (uploadLifetimeMs?: number) =>
      expireUploads.runOnce({ records, storage, log, ...(uploadLifetimeMs !== undefined && { uploadLifetimeMs }) });
    expect(await expire()).toBe(0);
    await redis.flushall();
    const sleepMs = 300;
    await new Promise((resolve) => setTimeout(resolve, sleepMs));
    expect(await expire(sleepMs)).toBe(0);
    expect(await expire(-1)).toBe(1);
    expect(await storage.head(upload)).toBeUndefined();
    expect(await storage.head(kept)).toBeDefined();
  });
});

describe('note-ended-jobs', () => {
  it('notes in storage, once, which jobs failed or were canceled, and not those that were retried', async () => {
    const { id, claimed } = await rendering();
    await cancelJob(records, id);
    await finishAttempt(records, claimed.attempt.id, { status: 'interrupted', metrics: {} });
    await expect.poll(() => noteEndedJobs.runOnce({ records, storage, log })).toBe(1);
    expect(await noteEndedJobs.runOnce({ records, storage, log })).toBe(0);
    const note = await storage.get(objectKeys.endedFile(id));
    expect(await json(note!.stream)).toMatchObject({ status: 'canceled', error: null });
  });
});

/** A record that no program of this version can read. */
const makeUnreadable = (id: string) => redis.hset(`${KEY_PREFIX}job:${id}`, 'schema', 99);

describe('one record that cannot be read', () => {
  it('keeps no other ending from being noted', async () => {
    const ids: string[] = [];
    for (let index = 0; index < 2; index += 1) {
      const { id, claimed } = await rendering();
      await cancelJob(records, id);
      await finishAttempt(records, claimed.attempt.id, { status: 'interrupted', metrics: {} });
      ids.push(id);
    }
    await makeUnreadable(ids[0]!);
    await expect.poll(() => noteEndedJobs.runOnce({ records, storage, log })).toBe(1);
    expect(await storage.head(objectKeys.endedFile(ids[1]!))).toBeDefined();
  });

  it('keeps no other job from being noted', async () => {
    const [broken, whole] = [await submitted(), await submitted()];
    await makeUnreadable(broken);
    expect(await storeJobFiles.runOnce({ records, storage, log })).toBe(1);
    expect(await storage.head(objectKeys.jobFile(whole))).toBeDefined();
  });

  it('keeps no other job from being deleted, and its own objects', async () => {
    const [broken, deleted] = [await submitted(), await submitted()];
    for (const id of [broken, deleted]) await redis.zadd(`${KEY_PREFIX}deleted-jobs`, 1, id);
    await makeUnreadable(broken);
    await redis.del(`${KEY_PREFIX}job:${deleted}`);
    await cleanStorage.runOnce({ records, storage, unreferencedMs: 0, log });
    expect((await keysLeft()).filter((key) => key.includes(deleted))).toEqual([]);
    expect((await keysLeft()).filter((key) => key.includes(broken))).toHaveLength(2);
  });
});

describe('store-job-files', () => {
  it('notes in storage what was submitted before an upgrade, once', async () => {
    const id = await submitted();
    expect(await storeJobFiles.runOnce({ records, storage, log })).toBe(1);
    expect(await storeJobFiles.runOnce({ records, storage, log })).toBe(0);
    const job = await getJob(records, id);
    const { portrait, speech, spec, owner } = job!;
    const file = await storage.get(objectKeys.jobFile(id));
    expect(await json(file!.stream)).toMatchObject({ id, owner, spec, portrait, speech });
  });
});
