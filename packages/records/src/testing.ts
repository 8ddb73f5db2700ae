import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ResolvedSpec, TaskClass } from '@farm/contracts';
import { specDefaults } from '@farm/contracts';
import { type RunningRedisServer, startRedisServer } from '@farm/toolchain';
import type { Redis } from 'ioredis';
import { afterAll, beforeEach } from 'vitest';
import { createJob, type NewJob, newJobId } from './jobs/create-job.js';
import type { RecordsContext, Ticket } from './records-context.js';
import { connectRedis } from './redis/connect-redis.js';
import { KEY_PREFIX } from './redis/key-prefix.js';
import { type Claim, type Claimant, claimTask } from './tasks/claim-task.js';
import { commitPiece } from './tasks/commit-piece.js';
import { finishAttempt } from './tasks/finish-attempt.js';
import type { PieceRecord } from './tasks/piece-record.js';
import { renewLeases } from './tasks/renew-leases.js';
import type { PrepareResult } from './tasks/task-record.js';
import { registerWorker, type WorkerDescription } from './workers/register-worker.js';

/** A private Redis and a context that collects its tickets, for tests of records and of what sweeps them. */
export async function openTestRecords(options: { maxMemory?: string } = {}): Promise<{
  context: RecordsContext;
  redis: Redis;
  server: RunningRedisServer;
  tickets: Ticket[];
  close(): Promise<void>;
}> {
  const directory = await mkdtemp(join(tmpdir(), 'farm-records-'));
  const server = await startRedisServer({ directory, ...options });
  const redis = connectRedis(server.url, { manner: 'patient' });
  const tickets: Ticket[] = [];
  const enqueue = async (added: Ticket[]) => void tickets.push(...added);
  return {
    context: { redis, enqueue },
    redis,
    server,
    tickets,
    async close() {
      redis.disconnect();
      await server.stop();
      await rm(directory, { recursive: true });
    },
  };
}

/** `openTestRecords` for a whole test file: emptied before every test, closed at the end. */
export async function useTestRecords(): Promise<Awaited<ReturnType<typeof openTestRecords>>> {
  const records = await openTestRecords();
  beforeEach(async () => {
    await records.redis.flushall();
    records.tickets.length = 0;
  });
  afterAll(() => records.close());
  return records;
}

type Call = (...args: Parameters<Redis['eval']>) => Promise<unknown>;

/** The context with a Redis whose script calls go through `change`. */
export function withScripts({ redis, enqueue }: RecordsContext, change: (call: Call) => Call): RecordsContext {
  const calls = { eval: redis.eval.bind(redis) as Call, evalsha: redis.evalsha.bind(redis) as Call };
  const changed = { eval: change(calls.eval), evalsha: change(calls.evalsha) };
  return { enqueue, redis: Object.assign(Object.create(redis), changed) };
}

/** The connection breaks under the first reply of every script, and the client sends the script again. */
export const withLostReplies = (context: RecordsContext): RecordsContext =>
  withScripts(context, (call) => async (...args) => {
    await call(...args);
    return call(...args);
  });

export interface RepeatedCall {
  answers: [first: unknown, second: unknown];
  states: [first: object, second: object];
}

/** As `withLostReplies`, and notes in `calls` both answers of every script and what Redis held after each. */
export const withRepeatedCalls = (context: RecordsContext, calls: RepeatedCall[]): RecordsContext =>
  withScripts(context, (call) => async (...args) => {
    const first = await call(...args);
    const stateAfterFirst = await stateOf(context.redis);
    const second = await call(...args);
    calls.push({ answers: [first, second], states: [stateAfterFirst, await stateOf(context.redis)] });
    return second;
  });

/** Every key with its value; without the answers that are kept for calls that are sent again. */
async function stateOf(redis: Redis): Promise<object> {
  const readers: Record<string, (key: string) => Promise<unknown>> = {
    string: (key) => redis.get(key),
    hash: (key) => redis.hgetall(key),
    list: (key) => redis.lrange(key, 0, -1),
    set: async (key) => (await redis.smembers(key)).sort(),
    zset: (key) => redis.zrange(key, 0, '-1', 'WITHSCORES'),
    stream: (key) => redis.xrange(key, '-', '+'),
  };
  const keys = (await redis.keys('*')).filter((key) => !key.startsWith(`${KEY_PREFIX}reply:`)).sort();
  return Object.fromEntries(
    await Promise.all(keys.map(async (key) => [key, await readers[await redis.type(key)]!(key)])),
  );
}

export const testWorker: WorkerDescription = {
  id: 'w1',
  vramClass: 'cpu',
  engine: 'draft',
  engineVersion: '1',
  host: 'h',
  gpu: null,
};

/** Workers that live, with engines that are loaded. */
export async function liveWorkers(context: RecordsContext, ...ids: string[]): Promise<void> {
  for (const id of ids) {
    await registerWorker(context, { ...testWorker, id });
    await renewLeases(context, { workerId: id, status: 'idle', attempts: [] });
  }
}

export function newTestJob(changes: { owner?: string; spec?: Partial<ResolvedSpec> } = {}): NewJob {
  const id = newJobId();
  const input = (name: string) => ({ key: `jobs/${id}/input/${name}`, sha256: '0'.repeat(64), bytes: 1 });
  return {
    id,
    owner: changes.owner ?? 'anna',
    spec: {
      ...specDefaults,
      prompt: 'A woman speaks to the camera',
      width: 384,
      height: 256,
      seed: 7,
      engine: 'draft',
      metadata: {},
      ...changes.spec,
    },
    vramClass: 'cpu',
    portrait: input('portrait.png'),
    speech: input('speech.wav'),
    warnings: [],
  };
}

export const mediaClaimant: Claimant = { workerId: 'w1', classes: ['media'], engine: '', warmKey: '', leaseMs: 10_000 };
export const renderClaimant = (workerId: string, classes: TaskClass[] = ['cpu']): Claimant => ({
  workerId,
  classes,
  engine: 'draft',
  warmKey: '',
  leaseMs: 10_000,
});

export async function claimed(context: RecordsContext, claimant: Claimant): Promise<Claim> {
  const outcome = await claimTask(context, claimant);
  if (typeof outcome === 'string') throw new Error(`Nothing claimed: ${outcome}`);
  return outcome;
}

/** A job whose renders, of these frame counts, are ready. */
export async function preparedJob(context: RecordsContext, frameCounts: number[]): Promise<NewJob> {
  const job = newTestJob();
  await createJob(context, job);
  await playPrepare(context, frameCounts);
  return job;
}

/** Claims the next render and plays it to its end, in one piece. */
export async function renderAll(context: RecordsContext, workerId = 'w1'): Promise<Claim> {
  const claim = await claimed(context, renderClaimant(workerId));
  const { task, attempt } = claim;
  const piece = testPiece(claim, task.framesCommitted, task.frameCount - task.framesCommitted);
  const outcome = await commitPiece(context, { taskId: task.id, attemptId: attempt.id, piece });
  if (outcome !== 'committed') throw new Error(`The piece was refused: ${outcome}`);
  await finishAttempt(context, attempt.id, { status: 'succeeded', result: {}, metrics: {} });
  return claim;
}

/** Plays the `prepare` of the oldest job: segments of the given frame counts. */
export async function playPrepare(context: RecordsContext, frameCounts: number[]): Promise<Claim> {
  const claim = await claimed(context, mediaClaimant);
  let firstFrame = 0;
  const segments = frameCounts.map((frameCount, index) => {
    const segment = {
      firstFrame,
      frameCount,
      speechKey: `segment-${index}.wav`,
      marginBefore: 0,
      sampleCount: frameCount * 640,
      seed: 1,
    };
    firstFrame += frameCount;
    return segment;
  });
  const result: PrepareResult = {
    frameCount: firstFrame,
    portraitKey: 'portrait.png',
    speech: { key: 'speech.wav', sampleCount: firstFrame * 640, seconds: firstFrame / 25 },
    segments,
    warnings: [],
  };
  await finishAttempt(context, claim.attempt.id, { status: 'succeeded', result, metrics: {} });
  return claim;
}

export const testPiece = (claim: Claim, firstFrame: number, frameCount: number): PieceRecord => ({
  firstFrame,
  frameCount,
  key: `${claim.task.id}/${firstFrame}-${claim.attempt.id}.mp4`,
  bytes: 10,
  rawSha256: 'a'.repeat(64),
  fileSha256: 'b'.repeat(64),
  attemptId: claim.attempt.id,
});
