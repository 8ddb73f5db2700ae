import type { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { advanceLiveJobs } from './jobs/advance-live-jobs.js';
import { cancelJob } from './jobs/cancel-job.js';
import { createJob } from './jobs/create-job.js';
import { getJob } from './jobs/get-job.js';
import { retryJob } from './jobs/retry-job.js';
import type { RecordsContext } from './records-context.js';
import { connectRedis } from './redis/connect-redis.js';
import { KEY_PREFIX } from './redis/key-prefix.js';
import { commitPiece } from './tasks/commit-piece.js';
import { expireLeases } from './tasks/expire-leases.js';
import { finishAttempt } from './tasks/finish-attempt.js';
import { getTask, getTasks } from './tasks/get-task.js';
import { renewLeases } from './tasks/renew-leases.js';
import {
  claimed,
  mediaClaimant,
  newTestJob,
  openTestRecords,
  playPrepare,
  renderClaimant,
  testPiece,
} from './testing.js';
import { drainWorker } from './workers/drain-worker.js';
import { listWorkers } from './workers/list-workers.js';
import { markOfflineWorkers } from './workers/mark-offline-workers.js';
import { registerWorker } from './workers/register-worker.js';
import { setEngineVersion } from './workers/set-engine-version.js';

let records: Awaited<ReturnType<typeof openTestRecords>>;
let context: RecordsContext;
beforeAll(async () => {
  records = await openTestRecords();
  ({ context } = records);
});
afterAll(() => records.close());
beforeEach(async () => {
  await records.redis.flushall();
  records.tickets.length = 0;
});

type Call = (...args: Parameters<Redis['eval']>) => Promise<unknown>;

/** The context with a Redis whose script calls go through `change`. */
function withScripts(change: (call: Call) => Call): RecordsContext {
  const { redis } = records;
  const calls = { eval: redis.eval.bind(redis) as Call, evalsha: redis.evalsha.bind(redis) as Call };
  return {
    ...context,
    redis: Object.assign(Object.create(redis), { eval: change(calls.eval), evalsha: change(calls.evalsha) }),
  };
}

/** The connection breaks under the first reply of every script, and the client sends the script again. */
const withLostReplies = () =>
  withScripts((call) => async (...args) => {
    await call(...args);
    return call(...args);
  });

async function preparedJob(frameCounts: number[]): Promise<string> {
  const job = newTestJob();
  await createJob(context, job);
  await playPrepare(context, frameCounts);
  return job.id;
}

async function renderAll(): Promise<void> {
  const claim = await claimed(context, renderClaimant('w1'));
  const piece = testPiece(claim, 0, claim.task.frameCount);
  await commitPiece(context, { taskId: claim.task.id, attemptId: claim.attempt.id, piece });
  await finishAttempt(context, claim.attempt.id, { status: 'succeeded', result: {}, metrics: {} });
}

describe('a reply that got lost', () => {
  it('leaves one claim with one attempt that has a lease', async () => {
    const jobId = await preparedJob([48, 48]);
    const claim = await claimed(withLostReplies(), renderClaimant('w1'));
    const running = (await getTasks(context, jobId)).filter((task) => task.status === 'running');
    expect(running.map((task) => [task.id, task.attemptId])).toEqual([[claim.task.id, claim.attempt.id]]);
    expect((await getJob(context, jobId))?.runningAttempts).toBe(1);
    expect(await records.redis.zrange(`${KEY_PREFIX}leases`, 0, '-1')).toEqual([claim.attempt.id]);
  });

  it('commits a piece once', async () => {
    const jobId = await preparedJob([96]);
    const claim = await claimed(context, renderClaimant('w1'));
    const commit = { taskId: claim.task.id, attemptId: claim.attempt.id, piece: testPiece(claim, 0, 48) };
    expect(await commitPiece(withLostReplies(), commit)).toBe('committed');
    expect((await getJob(context, jobId))?.framesCommitted).toBe(48);
  });
});

describe('createJob', () => {
  it('has made the job even when its ticket could not be added', async () => {
    const job = newTestJob();
    const enqueue = () => Promise.reject(new Error('OOM command not allowed'));
    expect(await createJob({ ...context, enqueue }, job)).toEqual({ created: true, jobId: job.id });
    expect((await claimed(context, mediaClaimant)).job.id).toBe(job.id);
  });
});

describe('retryJob', () => {
  it('assembles anew when the job was canceled behind its assembly', async () => {
    const jobId = await preparedJob([48]);
    await renderAll();
    const assemble = await claimed(context, mediaClaimant);
    // The worker dies between the two steps of its last report, and the person cancels before the sweep.
    const dying = Object.assign(Object.create(records.redis), { hgetall: () => Promise.reject(new Error('killed')) });
    const outcome = { status: 'succeeded' as const, result: { key: 'old' }, metrics: {} };
    await expect(finishAttempt({ ...context, redis: dying }, assemble.attempt.id, outcome)).rejects.toThrow('killed');
    expect(await cancelJob(context, jobId)).toBe('canceling');
    expect((await getJob(context, jobId))?.status).toBe('canceled');
    expect(await retryJob(context, jobId)).toBe('retried');
    await renderAll();
    expect((await getJob(context, jobId))?.status).toBe('running');
    expect((await claimed(context, mediaClaimant)).task.id).toBe(assemble.task.id);
  });

  it('goes on at once where only the assembly had failed', async () => {
    const jobId = await preparedJob([48]);
    await renderAll();
    const assemble = await claimed(context, mediaClaimant);
    const error = { code: 'piece-corrupt', message: 'Other bytes.' };
    await finishAttempt(context, assemble.attempt.id, { status: 'failed', error, retriable: 'never', metrics: {} });
    expect(await retryJob(context, jobId)).toBe('retried');
    expect((await claimed(context, mediaClaimant)).task.id).toBe(assemble.task.id);
  });
});

describe('sweeps', () => {
  it('do not end an attempt whose lease was renewed after they looked', async () => {
    await preparedJob([48]);
    const claim = await claimed(context, renderClaimant('w1'));
    await records.redis.set(`${KEY_PREFIX}leases-swept`, Date.now());
    await records.redis.zadd(`${KEY_PREFIX}leases`, 1, claim.attempt.id);
    const renewing = withScripts((call) => async (...args) => {
      const reply = await call(...args);
      await records.redis.zadd(`${KEY_PREFIX}leases`, Date.now() + 10_000, claim.attempt.id);
      return reply;
    });
    expect(await expireLeases(renewing, 60_000)).toEqual([]);
    expect(await getTask(context, claim.task.id)).toMatchObject({ status: 'running', losses: 0 });
  });

  it('pass over a job that cannot be read, and report it', async () => {
    const broken = newTestJob();
    await createJob(context, broken);
    await records.redis.hset(`${KEY_PREFIX}job:${broken.id}`, 'schema', 99);
    const fine = newTestJob();
    await createJob(context, fine);
    const failed: [string, string][] = [];
    expect(await advanceLiveJobs(context, (jobId, error) => failed.push([jobId, String(error)]))).toBe(2);
    expect(failed).toEqual([[broken.id, expect.stringContaining('record schema 99')]]);
  });

  it('mark every silent worker as offline, however many there are', async () => {
    for (let i = 0; i < 120; i += 1)
      await registerWorker(context, {
        id: `w${i}`,
        vramClass: 'cpu',
        engine: 'draft',
        engineVersion: '1',
        host: 'h',
        gpu: null,
      });
    await markOfflineWorkers(context, { silentMs: -1 });
    expect((await listWorkers(context)).filter((worker) => worker.status !== 'offline')).toEqual([]);
  });
});

describe('a worker', () => {
  it('that was told to drain while its engine loaded still drains', async () => {
    const description = {
      id: 'w1',
      vramClass: 'cpu',
      engine: 'draft',
      engineVersion: '',
      host: 'h',
      gpu: null,
    } as const;
    await registerWorker(context, description);
    expect(await drainWorker(context, 'w1')).toBe(true);
    await setEngineVersion(context, 'w1', '9');
    expect(await renewLeases(context, { workerId: 'w1', status: 'idle', attempts: [] })).toMatchObject({ drain: true });
    expect(await listWorkers(context)).toMatchObject([{ engineVersion: '9', status: 'idle' }]);
    await setEngineVersion(context, 'gone', '9');
    expect(await listWorkers(context)).toHaveLength(1);
  });
});

describe('connectRedis', () => {
  it('says once that Redis is away or refuses the password, without showing it, and when it is back', async () => {
    const said: string[] = [];
    const options = {
      manner: 'patient' as const,
      onUnavailable: (message: string) => said.push(message),
      onBack: () => said.push('back'),
    };
    await records.redis.config('SET', 'requirepass', 'right');
    const redis = connectRedis(records.server.url.replace('redis://', 'redis://:wrong@'), options);
    await expect.poll(() => said.length).toBe(1);
    await records.redis.config('SET', 'requirepass', '');
    expect(await redis.ping()).toBe('PONG');
    expect(said).toEqual([expect.stringMatching(/^Redis at 127\.0\.0\.1:\d+ is unavailable \(.*password/), 'back']);
    expect(said[0]).not.toContain('wrong@');
    redis.disconnect();
  });
});
