import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createStorage, type ObjectStorage } from '@farm/storage';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createJob } from '../jobs/create-job.js';
import { connectRedis } from '../redis/connect-redis.js';
import { claimTask } from '../tasks/claim-task.js';
import { mediaClaimant, newTestJob, testWorker, useTestRecords } from '../testing.js';
import { registerWorker } from '../workers/register-worker.js';
import { establishFarm } from './establish-farm.js';
import { FarmIdentity } from './farm-identity.js';

const { redis, server, context } = await useTestRecords();
const second = connectRedis(`${server.url}/1`, { manner: 'patient' });
let folder: string;
let storage: ObjectStorage;

const openStorage = async () =>
  createStorage({
    kind: 'filesystem',
    directory: await mkdtemp(join(folder, 'objects-')),
    internalBaseUrl: 'http://127.0.0.1:1',
    publicBaseUrl: 'http://127.0.0.1:1',
    secret: 'only-for-signing-urls',
  });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'farm-identity-'));
});
beforeEach(async () => {
  storage = await openStorage();
});
afterAll(async () => {
  second.disconnect();
  await rm(folder, { recursive: true });
});

const lost = { code: 'records-lost' };
const other = { code: 'other-storage-root' };

describe('establishFarm', () => {
  it('founds one farm, however many processes start at the same time', async () => {
    const places = { redis, storage };
    const ids = await Promise.all(Array.from({ length: 20 }, () => establishFarm(places)));
    expect(new Set(ids).size).toBe(1);
    expect(await establishFarm(places)).toBe(ids[0]);
    expect(await storage.rootId()).toBe(ids[0]);
  });

  it('lets one of two Redis databases found a farm in a storage, and refuses the other for good', async () => {
    for (let round = 0; round < 20; round += 1) {
      await redis.flushall();
      storage = await openStorage();
      const results = await Promise.allSettled([redis, second].map((each) => establishFarm({ redis: each, storage })));
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      const loser = results[0]!.status === 'rejected' ? redis : second;
      await expect(establishFarm({ redis: loser, storage })).rejects.toMatchObject(lost);
    }
  });

  it('continues a founding that a crash interrupted between Redis and the storage', async () => {
    await redis.set('{farm}:founding', 'half');
    expect(await establishFarm({ redis, storage })).toBe('half');
    await redis.del('{farm}:storage-root');
    expect(await establishFarm({ redis, storage })).toBe('half');
  });

  it('recognises a farm of an older version by the id that both have kept', async () => {
    await redis.set('{farm}:storage-root', 'older');
    await storage.claimRoot('older');
    await storage.put('jobs/1/input/speech.wav', Buffer.from('x'));
    expect(await establishFarm({ redis, storage })).toBe('older');
    expect(await redis.keys('*')).toEqual(['{farm}:storage-root']);
  });

  it('refuses an empty Redis under a storage that is a farm’s, and says which, whether it has jobs or an id', async () => {
    await establishFarm({ redis, storage });
    const failure = await establishFarm({ redis: second, storage }).catch((error: Error) => error.message);
    expect(failure).toContain(`${new URL(server.url).host}, database 1`);
    expect(failure).toContain(storage.description);
    expect(failure).toContain('farm rebuild');
    await redis.flushall();
    await expect(establishFarm({ redis, storage })).rejects.toMatchObject(lost);
    const older = await openStorage();
    await older.put('jobs/1/input/speech.wav', Buffer.from('x'));
    await expect(establishFarm({ redis, storage: older })).rejects.toMatchObject(lost);
    expect(await redis.keys('*')).toEqual([]);
  });

  it('refuses an empty storage, and another farm’s, under a Redis that knows a farm', async () => {
    await establishFarm({ redis, storage });
    await expect(establishFarm({ redis, storage: await openStorage() })).rejects.toMatchObject(other);
    const foreign = await openStorage();
    await foreign.claimRoot('foreign');
    await expect(establishFarm({ redis, storage: foreign })).rejects.toMatchObject(other);
  });
});

describe('FarmIdentity', () => {
  it('never founds a farm after the start, and recognises it when it is back', async () => {
    const identity = new FarmIdentity({ redis, storage });
    await identity.establish();
    const farmId = identity.farmId!;
    await redis.flushall();
    await expect(identity.check()).rejects.toMatchObject(lost);
    await expect(identity.checkBoth()).rejects.toMatchObject(lost);
    expect(await redis.keys('*')).toEqual([]);
    await redis.set('{farm}:storage-root', 'foreign');
    await expect(identity.check()).rejects.toMatchObject(other);
    await redis.set('{farm}:storage-root', farmId);
    await identity.checkBoth();
  });

  it('keeps jobs, claims and workers out of a Redis that was emptied', async () => {
    const farm = { ...context, farmId: await establishFarm({ redis, storage }) };
    await createJob(farm, newTestJob());
    await redis.flushall();
    for (const write of [
      () => createJob(farm, newTestJob()),
      () => claimTask(farm, mediaClaimant),
      () => registerWorker(farm, testWorker),
    ])
      await expect(write()).rejects.toMatchObject(lost);
    // Answers that are kept for calls that arrive twice are no records.
    expect((await redis.keys('*')).filter((key) => !key.startsWith('{farm}:reply:'))).toEqual([]);
  });
});
