import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ResolvedSpec, TaskClass } from '@farm/contracts';
import { specDefaults } from '@farm/contracts';
import { type RunningRedisServer, startRedisServer } from '@farm/toolchain';
import type { Redis } from 'ioredis';
import { type NewJob, newJobId } from './jobs/create-job.js';
import type { RecordsContext, Ticket } from './records-context.js';
import { connectRedis } from './redis/connect-redis.js';
import { type Claim, type Claimant, claimTask } from './tasks/claim-task.js';
import { finishAttempt } from './tasks/finish-attempt.js';
import type { PieceRecord } from './tasks/piece-record.js';
import type { PrepareResult } from './tasks/task-record.js';

/** A private Redis and a context that collects its tickets, for the tests of this package. */
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
