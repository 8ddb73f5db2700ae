import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { objectKeys, specDefaults } from '@farm/contracts';
import {
  type Claim,
  claimTask,
  connectRedis,
  createJob,
  getAttempt,
  LEASE_MS,
  newJobId,
  type RecordsContext,
} from '@farm/records';
import { type RunningRedisServer, startRedisServer } from '@farm/toolchain';
import type { Redis } from 'ioredis';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ResidentEngine } from './engine/resident-engine.js';
import type { TaskStorage } from './patient-storage.js';
import { runTask } from './run-task.js';

const log = pino({ level: 'silent' });
let folder: string;
let server: RunningRedisServer;
let redis: Redis;
let records: RecordsContext;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'farm-run-task-'));
  server = await startRedisServer({ directory: join(folder, 'redis') });
  redis = connectRedis(server.url, { manner: 'patient' });
  records = { redis, enqueue: async () => {} };
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

async function claimedPrepare(): Promise<Claim> {
  const id = newJobId();
  const input = (part: 'portrait' | 'speech') => ({ key: objectKeys.input(id, part, ''), sha256: '', bytes: 1 });
  const spec = { ...specDefaults, prompt: 'x', width: 64, height: 64, seed: 1, engine: 'draft' as const, metadata: {} };
  const [portrait, speech] = [input('portrait'), input('speech')];
  await createJob(records, { id, owner: 'anna', spec, vramClass: 'cpu', portrait, speech, warnings: [] });
  const claimant = { workerId: 'w1', classes: ['media'] as const, engine: '' as const, warmKey: '', leaseMs: LEASE_MS };
  const claim = await claimTask(records, claimant);
  if (typeof claim === 'string') throw new Error(claim);
  return claim;
}

/** Keeps the logs that are stored; what is fetched is the test's matter. */
function storageThat(getToFile: TaskStorage['getToFile']) {
  const logs = new Map<string, string>();
  const put = async (key: string, body: unknown) => {
    logs.set(key, String(body));
    return { size: 0 };
  };
  return { storage: { put, getToFile, delete: async () => {} } as unknown as TaskStorage, logs };
}

async function run(claim: Claim, given: { storage: TaskStorage; records?: RecordsContext; scratchDirectory?: string }) {
  const scratchDirectory = given.scratchDirectory ?? (await mkdtemp(join(folder, 'scratch-')));
  const engine = new ResidentEngine('draft', { command: '/nowhere', args: [], environment: {} }, log);
  const media = { ffmpegPath: '/nowhere/ffmpeg', ffprobePath: '/nowhere/ffprobe' };
  const resources = { records, engine, media, maximumSpeechSeconds: 60, ...given };
  const never = new AbortController().signal;
  const outcome = await runTask(resources, claim, {
    signal: never,
    draining: never,
    scratchDirectory,
    reportFrames() {},
    log,
  });
  return { outcome, scratchDirectory };
}

const logOf = (claim: Claim) => objectKeys.log(claim.job.id, claim.attempt.id);

describe('an attempt', () => {
  it('whose one download fails ends the other before its folder goes', async () => {
    const claim = await claimedPrepare();
    const order: string[] = [];
    const { storage, logs } = storageThat(async (key, _path, options) => {
      if (key.includes('portrait')) return undefined;
      await new Promise((resolve) => options?.signal?.addEventListener('abort', resolve));
      await sleep(200);
      order.push('the other download ended');
      throw options?.signal?.reason;
    });
    const { outcome, scratchDirectory } = await run(claim, { storage });
    order.push('the attempt ended');
    expect(order).toEqual(['the other download ended', 'the attempt ended']);
    expect(outcome).toMatchObject({ status: 'failed', error: { code: 'object-missing' }, failureClass: 'storage' });
    expect(await readdir(scratchDirectory)).toEqual([]);
    expect(logs.get(logOf(claim))).toContain('object-missing');
  });

  it('that cannot be ended leaves no folder, and its log is stored', async () => {
    const claim = await claimedPrepare();
    const { storage, logs } = storageThat(async () => undefined);
    const fails = async () => {
      throw new Error('OOM command not allowed');
    };
    const broken = { ...records, redis: Object.assign(Object.create(redis), { eval: fails, evalsha: fails }) };
    const { scratchDirectory } = await run(claim, { storage, records: broken });
    expect(await getAttempt(records, claim.attempt.id)).toMatchObject({ status: 'running' });
    expect(await readdir(scratchDirectory)).toEqual([]);
    expect(logs.get(logOf(claim))).toContain('the attempt could not be ended');
  });

  it('without a scratch folder fails as the fault of the machine, and its log is stored', async () => {
    const claim = await claimedPrepare();
    const { storage, logs } = storageThat(async () => undefined);
    await run(claim, { storage, scratchDirectory: join(folder, 'not-there') });
    expect(await getAttempt(records, claim.attempt.id)).toMatchObject({
      status: 'failed',
      failureClass: 'machine',
      error: { code: 'worker-broken' },
    });
    expect(logs.get(logOf(claim))).toContain('worker-broken');
  });

  it('whose ffmpeg is missing fails as the fault of the machine', async () => {
    const claim = await claimedPrepare();
    const { storage } = storageThat(async (_key, path) => {
      await writeFile(path, 'bytes');
      return { size: 5, contentType: '', modifiedAt: new Date() };
    });
    const { outcome } = await run(claim, { storage });
    expect(outcome).toMatchObject({ failureClass: 'machine', error: { code: 'ffmpeg-missing' }, ofNoTask: true });
  });
});
