import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { objectKeys, specDefaults } from '@farm/contracts';
import type { MediaTools } from '@farm/media';
import { openTicketQueues, type TicketQueues } from '@farm/queue';
import {
  claimTask,
  commitPiece,
  connectRedis,
  createJob,
  expireLeases,
  finishAttempt,
  getAttempt,
  getAttempts,
  getPieces,
  getTask,
  KEY_PREFIX,
  LEASE_MS,
  listWorkers,
  newJobId,
  type PieceRecord,
  type RecordsContext,
} from '@farm/records';
import { createStorage, type ObjectStorage } from '@farm/storage';
import { obtainFfmpeg, type RunningRedisServer, startRedisServer, toolchainContext } from '@farm/toolchain';
import type { Redis } from 'ioredis';
import pino from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { ResidentEngine } from './engine/resident-engine.js';
import type { TaskStorage } from './patient-storage.js';
import { Worker } from './worker.js';

const log = pino({ level: 'silent' });
let folder: string;
let server: RunningRedisServer;
let redis: Redis;
let queues: TicketQueues;
let records: RecordsContext;
let storage: ObjectStorage;
let stopWorker: (() => Promise<void>) | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'farm-worker-test-'));
  server = await startRedisServer({ directory: join(folder, 'redis') });
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  redis = connectRedis(server.url, { manner: 'patient' });
  await redis.flushall();
  queues = openTicketQueues(redis);
  records = { redis, enqueue: queues.add };
  storage = await createStorage({
    kind: 'filesystem',
    directory: await mkdtemp(join(folder, 'objects-')),
    internalBaseUrl: 'http://127.0.0.1:1',
    publicBaseUrl: 'http://127.0.0.1:1',
    secret: 'only-for-signing-urls',
  });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await redis.config('SET', 'maxmemory', '0');
  await stopWorker?.();
  stopWorker = undefined;
  await queues.close();
  redis.disconnect();
});

const LOADS_FOR_EVER = `say({ type: 'loading', phase: 'weights', fraction: 0.1 });`;

/** An engine that says hello and then does what `body` says. */
async function scriptedEngine(body: string): Promise<ResidentEngine> {
  const path = join(await mkdtemp(join(folder, 'engine-')), 'engine.mjs');
  await writeFile(
    path,
    `import { createInterface } from 'node:readline';
     const say = (event) => process.stdout.write(JSON.stringify(event) + '\\n');
     const onCommand = (act) => commands.on('line', (line) => act(JSON.parse(line)));
     const commands = createInterface({ input: process.stdin }).on('close', () => process.exit(0));
     say({ type: 'hello', protocolVersion: 2, engine: 'draft', engineVersion: '1', pid: 1 });
     ${body}`,
  );
  return new ResidentEngine('draft', { command: process.execPath, args: [path], environment: process.env }, log);
}

async function startWorker(given: { storage?: TaskStorage; media?: MediaTools; engine?: string } = {}) {
  const engine = await scriptedEngine(given.engine ?? LOADS_FOR_EVER);
  const warm = vi.spyOn(engine, 'warm');
  const scratchDirectory = await mkdtemp(join(folder, 'scratch-'));
  const worker = new Worker({
    resources: {
      records,
      storage: given.storage ?? storage,
      media: given.media ?? { ffmpegPath: '', ffprobePath: '' },
      engine,
      maximumSpeechSeconds: 60,
    },
    options: { id: 'w1', vramClass: 'cpu', engine: 'draft', host: 'h', gpu: null, scratchDirectory },
    redis,
    log,
  });
  const ended = worker.run();
  stopWorker = async () => {
    worker.shutDown();
    await ended;
    await engine.stop();
  };
  return { worker, ended, warm };
}

async function submitted(): Promise<string> {
  const id = newJobId();
  const input = (part: 'portrait' | 'speech') => ({ key: objectKeys.input(id, part, ''), sha256: '', bytes: 1 });
  const spec = { ...specDefaults, prompt: 'x', width: 64, height: 64, seed: 1, engine: 'draft' as const, metadata: {} };
  const [portrait, speech] = [input('portrait'), input('speech')];
  await createJob(records, { id, owner: 'anna', spec, vramClass: 'cpu', portrait, speech, warnings: [] });
  return id;
}

/** A job whose one render is ready. @returns the render's id */
async function renderReady(): Promise<string> {
  const id = await submitted();
  const claimant = { workerId: 'w0', classes: ['media'] as const, engine: '' as const, warmKey: '', leaseMs: LEASE_MS };
  const prepare = await claimTask(records, claimant);
  if (typeof prepare === 'string') throw new Error(prepare);
  const key = (name: string) => objectKeys.prepared(id, prepare.attempt.id, name);
  for (const name of ['portrait.png', 'segment.wav']) await storage.put(key(name), Buffer.from(name));
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
  return `${id}-render-00000`;
}

describe('a worker whose engine is still loading', () => {
  it.each(['shutDown', 'drain'] as const)('claims no render, and leaves immediately on %s', async (leave) => {
    const taskId = await renderReady();
    const { worker, ended, warm } = await startWorker();
    await expect.poll(() => warm.mock.calls.length).toBe(1);
    const started = Date.now();
    worker[leave]();
    await ended;
    // The promise is one second; the machine that tests run on may be busy.
    expect(Date.now() - started).toBeLessThan(3000);
    expect(await getTask(records, taskId)).toMatchObject({ status: 'ready', failures: 0, losses: 0 });
    expect(await getAttempts(records, taskId)).toEqual([]);
  });
});

describe.each([3_600_000, -3_600_000])('a worker whose clock is %i ms off', (offsetMs) => {
  it('says so, and gets a task back without delay', async () => {
    const { now } = Date;
    vi.spyOn(Date, 'now').mockImplementation(() => now() + offsetMs);
    const warned = vi.spyOn(log, 'warn');
    const taskId = await renderReady();
    const { ffmpeg, ffprobe } = await obtainFfmpeg(toolchainContext());
    await startWorker({
      media: { ffmpegPath: ffmpeg, ffprobePath: ffprobe },
      engine: `
        say({ type: 'ready', description: {} });
        onCommand(({ type, renderId }) => {
          if (type !== 'render') return;
          say({ type: 'failed', renderId, retriable: 'this-worker', code: 'x', message: 'x', details: {} });
        });`,
    });
    const skew = async () => (await listWorkers(records))[0]?.clockSkewMs;
    await expect.poll(async () => Math.abs(((await skew()) ?? 0) - offsetMs)).toBeLessThan(5000);
    expect(warned.mock.calls.filter(([facts]) => 'clockSkewMs' in (facts as object))).toHaveLength(1);
    // The ticket of the second attempt was delayed by this machine, which also waits for it.
    await expect.poll(async () => (await getAttempts(records, taskId)).length).toBeGreaterThanOrEqual(2);
  });
});

describe('a worker whose Redis accepts no writes for a while', () => {
  it('keeps running, and its attempt is lost when the lease has run out', async () => {
    let isFull = false;
    const getToFile = async () => {
      if (!isFull) await redis.config('SET', 'maxmemory', '1');
      isFull = true;
      return undefined;
    };
    const id = await submitted();
    const given = { put: async () => ({ size: 0 }), getToFile } as unknown as TaskStorage;
    const { ended } = await startWorker({ storage: given });
    await expect.poll(() => isFull).toBe(true);
    expect(await Promise.race([ended, sleep(1000, 'still there')])).toBe('still there');
    const attempts = () => getAttempts(records, `${id}-prepare`);
    const statuses = async () => (await attempts()).map((attempt) => attempt.status);
    expect(await statuses()).toEqual(['running']);

    await redis.config('SET', 'maxmemory', '0');
    await redis.set(`${KEY_PREFIX}leases-swept`, Date.now());
    await redis.zadd(`${KEY_PREFIX}leases`, 1, (await attempts())[0]!.id);
    await expireLeases(records, 60_000);
    // The first retry after a failure comes at once, so there may be more by then.
    await expect.poll(async () => (await statuses()).slice(0, 2)).toEqual(['lost', 'failed']);
  });
});

describe('a worker whose engine says that it has finished', () => {
  it('fails the attempt when pieces are missing, instead of waiting for them', async () => {
    const taskId = await renderReady();
    const { ffmpeg, ffprobe } = await obtainFfmpeg(toolchainContext());
    await startWorker({
      media: { ffmpegPath: ffmpeg, ffprobePath: ffprobe },
      engine: `
        say({ type: 'ready', description: {} });
        onCommand(({ type, renderId }) => {
          if (type === 'render') say({ type: 'finished', renderId, renderSeconds: 1, peakBytes: 1 });
        });`,
    });
    const first = async () => (await getAttempts(records, taskId))[0];
    await expect.poll(async () => (await first())?.status).toBe('failed');
    expect((await first())?.error).toMatchObject({
      code: 'engine-protocol',
      message: expect.stringContaining('1 of 1 pieces are missing'),
    });
  });
});

/** Writes grey frames and says what it wrote. */
const GREY_ENGINE = `
  const { createHash } = await import('node:crypto');
  const { writeFile } = await import('node:fs/promises');
  say({ type: 'ready', description: {} });
  onCommand(async ({ type, renderId, pieces, width, height }) => {
    if (type !== 'render') return;
    for (const { index, firstFrame, frameCount, fifoPath } of pieces) {
      const frames = Buffer.alloc(frameCount * width * height * 3, 128);
      await writeFile(fifoPath, frames);
      const sha256 = createHash('sha256').update(frames).digest('hex');
      say({ type: 'piece-finished', renderId, index, firstFrame, frameCount, sha256, renderSeconds: 0.1 });
    }
    say({ type: 'finished', renderId, renderSeconds: 0.1, peakBytes: 1 });
  });`;

describe('a worker whose lease ends around its commit', () => {
  /** Ends the attempt as lost, before the commit arrives, or between the commit and the call that repeats it. */
  function loseAttemptAtCommit(when: 'before' | 'between'): void {
    const { evalsha } = redis;
    const lose = async (attemptId: string) => {
      await redis.zadd(`${KEY_PREFIX}leases`, 1, attemptId);
      await finishAttempt(records, attemptId, { status: 'lost' });
    };
    vi.spyOn(redis, 'evalsha').mockImplementation(async (...args: unknown[]) => {
      const call = () => evalsha.apply(redis, args as never) as Promise<unknown>;
      const piece = args.map(String).find((text) => text.includes('"rawSha256"'));
      const attemptId = piece && (JSON.parse(piece) as { attemptId: string }).attemptId;
      if (!attemptId || (await getAttempt(records, attemptId))?.status !== 'running') return call();
      if (when === 'between') await call();
      await lose(attemptId);
      return call();
    });
  }

  it.each(['before', 'between'] as const)('deletes nothing, and the sweep decides: %s', async (when) => {
    const taskId = await renderReady();
    const { ffmpeg, ffprobe } = await obtainFfmpeg(toolchainContext());
    // Known to Redis, so that the commit is one call.
    await commitPiece(records, { taskId, attemptId: 'none', piece: {} as PieceRecord }).catch(() => {});
    loseAttemptAtCommit(when);
    await startWorker({ media: { ffmpegPath: ffmpeg, ffprobePath: ffprobe }, engine: GREY_ENGINE });
    const first = async () => (await getAttempts(records, taskId))[0];
    await expect.poll(async () => (await first())?.status).toBe('lost');
    const attemptId = (await first())!.id;
    const key = objectKeys.piece((await first())!.jobId, { taskId, attemptId, firstFrame: 0 });
    await stopWorker?.();
    stopWorker = undefined;
    const stored: string[] = [];
    for await (const object of storage.list(key)) stored.push(object.key);
    expect(stored).toEqual([key]);
    const pieces = await getPieces(records, taskId);
    expect(pieces.some((piece) => piece.key === key)).toBe(when === 'between');
  });
});
