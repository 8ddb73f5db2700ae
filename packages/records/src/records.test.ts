import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readJobEvents } from './events/read-events.js';
import { advance } from './jobs/advance.js';
import { advanceLiveJobs } from './jobs/advance-live-jobs.js';
import { cancelJob } from './jobs/cancel-job.js';
import { createJob } from './jobs/create-job.js';
import { deleteJob } from './jobs/delete-job.js';
import { getJob } from './jobs/get-job.js';
import { listJobs } from './jobs/list-jobs.js';
import { referencedKeys } from './jobs/referenced-keys.js';
import { retryJob } from './jobs/retry-job.js';
import { shrinkEndedJobs } from './jobs/shrink-ended-jobs.js';
import { KEY_PREFIX } from './redis/key-prefix.js';
import { addMissingTickets } from './tasks/add-missing-tickets.js';
import { claimTask } from './tasks/claim-task.js';
import { commitPiece } from './tasks/commit-piece.js';
import { countClaimable } from './tasks/count-claimable.js';
import { expireLeases } from './tasks/expire-leases.js';
import { finishAttempt, MAX_FAILURES } from './tasks/finish-attempt.js';
import { getAttempt } from './tasks/get-attempt.js';
import { getPieces } from './tasks/get-pieces.js';
import { getTask, getTasks } from './tasks/get-task.js';
import { renewLeases } from './tasks/renew-leases.js';
import { setClassPaused } from './tasks/set-class-paused.js';
import {
  claimed,
  mediaClaimant,
  newTestJob,
  openTestRecords,
  playPrepare,
  renderClaimant,
  testPiece,
} from './testing.js';
import { registerWorker } from './workers/register-worker.js';

let records: Awaited<ReturnType<typeof openTestRecords>>;
beforeAll(async () => {
  records = await openTestRecords();
});
afterAll(() => records.close());
beforeEach(async () => {
  await records.redis.flushall();
  records.tickets.length = 0;
});

const failure = { code: 'engine-crashed', message: 'The engine ended.' };

async function runJob(frameCounts: number[]) {
  const { context } = records;
  const job = newTestJob();
  await createJob(context, job);
  await playPrepare(context, frameCounts);
  return job;
}

async function renderAll(workerId: string) {
  const claim = await claimed(records.context, renderClaimant(workerId));
  const piece = testPiece(claim, claim.task.framesCommitted, claim.task.frameCount - claim.task.framesCommitted);
  expect(await commitPiece(records.context, { taskId: claim.task.id, attemptId: claim.attempt.id, piece })).toBe(
    'committed',
  );
  await finishAttempt(records.context, claim.attempt.id, { status: 'succeeded', result: {}, metrics: {} });
  return claim;
}

describe('the way of a job', () => {
  it('goes from prepare over renders to assemble and succeeds, with an event for every change', async () => {
    const { context, tickets } = records;
    const job = await runJob([48, 96]);
    expect(tickets.map((t) => [t.taskId, t.taskClass, t.generation])).toEqual([
      [`${job.id}-prepare`, 'media', 1],
      [`${job.id}-render-00000`, 'cpu', 1],
      [`${job.id}-render-00001`, 'cpu', 1],
    ]);
    expect((await getJob(context, job.id))?.status).toBe('queued');
    await renderAll('w1');
    expect((await getJob(context, job.id))?.status).toBe('running');
    await renderAll('w2');
    const assemble = await claimed(context, mediaClaimant);
    expect(assemble.task.kind).toBe('assemble');
    const video = {
      key: 'v',
      sha256: '',
      bytes: 1,
      frameCount: 144,
      seconds: 5.76,
      width: 384,
      height: 256,
      manifestKey: 'm',
    };
    await finishAttempt(context, assemble.attempt.id, { status: 'succeeded', result: video, metrics: {} });
    const ended = await getJob(context, job.id);
    expect(ended).toMatchObject({ status: 'succeeded', framesCommitted: 144, runningAttempts: 0, video });
    const { events } = await readJobEvents(context, job.id);
    const kinds = events.map((event) => event.type);
    for (const kind of ['job-preparing', 'job-queued', 'job-running', 'job-succeeded']) expect(kinds).toContain(kind);
    expect(kinds.filter((kind) => kind === 'piece-committed')).toHaveLength(2);
    expect((await readJobEvents(context, job.id, events.at(-2)!.id)).events).toEqual([events.at(-1)]);
  });

  it('is moved on by the sweep when the process died between a commit and its follow-up', async () => {
    const { context } = records;
    const job = newTestJob();
    await createJob(context, job);
    const claim = await claimed(context, mediaClaimant);
    const crashing = { ...context, enqueue: () => Promise.reject(new Error('killed')) };
    const segment = { firstFrame: 0, frameCount: 12, speechKey: 's', marginBefore: 0, sampleCount: 7680, seed: 1 };
    const result = { frameCount: 12, portraitKey: 'p', speech: {}, segments: [segment], warnings: [] };
    await expect(
      finishAttempt(crashing, claim.attempt.id, { status: 'succeeded', result, metrics: {} }),
    ).rejects.toThrow('killed');
    records.tickets.length = 0;
    await advanceLiveJobs(context, expect.unreachable);
    expect(await addMissingTickets(context, { taskClass: 'cpu', count: 10, olderThanMs: -1 })).toBe(1);
    expect(records.tickets).toEqual([
      { taskId: `${job.id}-render-00000`, taskClass: 'cpu', generation: 2, delayMs: 0 },
    ]);
  });

  it('plans once, however often advance runs', async () => {
    const { context } = records;
    const job = await runJob([48, 48]);
    await Promise.all([advance(context, job.id), advance(context, job.id), advance(context, job.id)]);
    expect((await getTasks(context, job.id)).map((task) => task.kind)).toEqual([
      'prepare',
      'render',
      'render',
      'assemble',
    ]);
  });
});

describe('claimTask', () => {
  it('gives each task to one of many claimants', async () => {
    const { context } = records;
    await runJob(Array.from({ length: 20 }, () => 48));
    const claims = await Promise.all(Array.from({ length: 30 }, (_, i) => claimTask(context, renderClaimant(`w${i}`))));
    const tasks = claims.flatMap((claim) => (typeof claim === 'string' ? [] : [claim.task.id]));
    expect(new Set(tasks).size).toBe(20);
    expect(tasks).toHaveLength(20);
    expect(claims.filter((claim) => claim === 'none')).toHaveLength(10);
  });

  it('puts priority first, then the owner who has least, then the due date', async () => {
    const { context } = records;
    const create = async (owner: string, spec: object) => {
      const job = newTestJob({ owner, spec });
      await createJob(context, job);
      return job.id;
    };
    const late = await create('anna', { priority: 50, dueAt: '2031-01-02T00:00:00Z' });
    const soon = await create('anna', { priority: 50, dueAt: '2031-01-01T00:00:00Z' });
    const other = await create('ben', { priority: 50, dueAt: '2031-01-03T00:00:00Z' });
    const first = await create('anna', { priority: 1, dueAt: '2031-01-04T00:00:00Z' });
    const order: string[] = [];
    for (let i = 0; i < 4; i += 1) order.push((await claimed(context, mediaClaimant)).job.id);
    expect(order).toEqual([first, other, soon, late]);
  });

  it('leaves work for another engine or class alone, and says so', async () => {
    const { context } = records;
    await runJob([48]);
    expect(await claimTask(context, { ...renderClaimant('w1'), engine: 'liveavatar' })).toBe('not-for-you');
    expect(await claimTask(context, renderClaimant('w1', ['24g', '16g']))).toBe('none');
  });

  it('gives nothing of a paused class, which counts as not claimable', async () => {
    const { context } = records;
    await runJob([48]);
    await setClassPaused(context, 'cpu', true);
    expect(await claimTask(context, renderClaimant('w1'))).toBe('none');
    expect((await countClaimable(context)).cpu).toBe(0);
    await setClassPaused(context, 'cpu', false);
    expect((await countClaimable(context)).cpu).toBe(1);
  });
});

describe('commitPiece', () => {
  it('takes pieces in frame order, once', async () => {
    const { context } = records;
    const job = await runJob([96]);
    const claim = await claimed(context, renderClaimant('w1'));
    const commit = (firstFrame: number, frameCount: number) =>
      commitPiece(context, {
        taskId: claim.task.id,
        attemptId: claim.attempt.id,
        piece: testPiece(claim, firstFrame, frameCount),
      });
    expect(await commit(48, 48)).toBe('out-of-order');
    expect(await commit(0, 48)).toBe('committed');
    expect(await commit(0, 48)).toBe('committed');
    expect(await commit(48, 49)).toBe('out-of-order');
    expect(await finishAttempt(context, claim.attempt.id, { status: 'succeeded', result: {}, metrics: {} })).toBe(
      'incomplete',
    );
    expect(await commit(48, 48)).toBe('committed');
    expect((await getPieces(context, claim.task.id)).map((piece) => piece.firstFrame)).toEqual([0, 48]);
    expect((await getJob(context, job.id))?.framesCommitted).toBe(96);
  });

  it('refuses an attempt that lost its task, and lets the next one go on behind what is committed', async () => {
    const { context, redis } = records;
    await runJob([96]);
    const frozen = await claimed(context, renderClaimant('w1'));
    await commitPiece(context, {
      taskId: frozen.task.id,
      attemptId: frozen.attempt.id,
      piece: testPiece(frozen, 0, 48),
    });
    await expireLeases(context, 60_000);
    await redis.zadd(`${KEY_PREFIX}leases`, 1, frozen.attempt.id);
    expect(await expireLeases(context, 60_000)).toEqual([frozen.attempt.id]);
    const next = await claimed(context, renderClaimant('w2'));
    expect(next.task.framesCommitted).toBe(48);
    expect(next.pieces).toHaveLength(1);
    expect(
      await commitPiece(context, {
        taskId: frozen.task.id,
        attemptId: frozen.attempt.id,
        piece: testPiece(frozen, 48, 48),
      }),
    ).toBe('fenced');
    expect(await finishAttempt(context, frozen.attempt.id, { status: 'succeeded', result: {}, metrics: {} })).toBe(
      'fenced',
    );
    expect(await getAttempt(context, frozen.attempt.id)).toMatchObject({
      status: 'lost',
      error: { code: 'worker-lost' },
    });
    expect(await getTask(context, next.task.id)).toMatchObject({ losses: 1, failures: 0, attemptId: next.attempt.id });
  });
});

describe('leases', () => {
  it('live on heartbeats, and a heartbeat says what to stop', async () => {
    const { context } = records;
    const job = await runJob([96]);
    const claim = await claimed(context, renderClaimant('w1'));
    const attempts = [{ attemptId: claim.attempt.id, framesDone: 20, framesPerSecond: 50 }];
    expect(await renewLeases(context, { workerId: 'w1', status: 'busy', attempts })).toBeUndefined();
    await registerWorker(context, {
      id: 'w1',
      vramClass: 'cpu',
      engine: 'draft',
      engineVersion: '1',
      host: 'h',
      gpu: null,
    });
    expect(await renewLeases(context, { workerId: 'w1', status: 'busy', attempts })).toEqual({
      stop: [],
      drain: false,
    });
    expect(await getAttempt(context, claim.attempt.id)).toMatchObject({ framesDone: 20, framesPerSecond: 50 });
    expect(await cancelJob(context, job.id)).toBe('canceling');
    expect(await renewLeases(context, { workerId: 'w1', status: 'busy', attempts })).toEqual({
      stop: [claim.attempt.id],
      drain: false,
    });
  });

  it('are all renewed when the sweep itself comes late, as after a freeze of Redis', async () => {
    const { context, redis } = records;
    await runJob([96]);
    const claim = await claimed(context, renderClaimant('w1'));
    await expireLeases(context, 1000);
    await redis.zadd(`${KEY_PREFIX}leases`, 1, claim.attempt.id);
    await redis.set(`${KEY_PREFIX}leases-swept`, Date.now() - 12_000);
    expect(await expireLeases(context, 1000)).toEqual([]);
    expect(Number(await redis.zscore(`${KEY_PREFIX}leases`, claim.attempt.id))).toBeGreaterThan(Date.now());
  });
});

describe('failures', () => {
  it('are retried with a pause, elsewhere first, and bounded', async () => {
    const { context, redis } = records;
    const job = await runJob([48, 48]);
    for (let i = 1; i <= MAX_FAILURES; i += 1) {
      const claim = await claimed(context, renderClaimant(`w${i}`));
      expect(claim.task.id).toBe(`${job.id}-render-00000`);
      await finishAttempt(context, claim.attempt.id, {
        status: 'failed',
        error: failure,
        retriable: 'another-worker',
        metrics: {},
      });
      if (i === MAX_FAILURES) break;
      expect(records.tickets.at(-1)).toMatchObject({ generation: i + 1, delayMs: 1000 * 2 ** (i - 1) });
      await redis.hset(`${KEY_PREFIX}task:${claim.task.id}`, 'notBefore', 0);
      const excluded = await claimTask(context, renderClaimant(`w${i}`));
      expect(typeof excluded === 'string' ? '' : excluded.task.id).toBe(`${job.id}-render-00001`);
      if (typeof excluded !== 'string')
        await finishAttempt(context, excluded.attempt.id, { status: 'interrupted', metrics: {} });
    }
    expect(await getJob(context, job.id)).toMatchObject({ status: 'failed', error: failure, runningAttempts: 0 });
    expect(await claimTask(context, renderClaimant('w9'))).toBe('none');
    expect((await getTasks(context, job.id)).map((task) => task.status)).toEqual([
      'succeeded',
      'failed',
      'canceled',
      'canceled',
    ]);
  });

  it('of the kind that never goes away fail the job at once; a retry goes on from what is committed', async () => {
    const { context } = records;
    const job = await runJob([96]);
    const claim = await claimed(context, renderClaimant('w1'));
    await commitPiece(context, { taskId: claim.task.id, attemptId: claim.attempt.id, piece: testPiece(claim, 0, 48) });
    await finishAttempt(context, claim.attempt.id, {
      status: 'failed',
      error: failure,
      retriable: 'never',
      metrics: {},
    });
    expect((await getJob(context, job.id))?.status).toBe('failed');
    expect(await retryJob(context, job.id)).toBe('retried');
    expect((await getJob(context, job.id))?.status).toBe('running');
    expect((await renderAll('w1')).task.framesCommitted).toBe(48);
    expect(await retryJob(context, job.id)).toBe('running');
  });

  it('are not counted when an attempt was interrupted', async () => {
    const { context } = records;
    await runJob([96]);
    for (let i = 0; i < 5; i += 1) {
      const claim = await claimed(context, renderClaimant('w1'));
      await finishAttempt(context, claim.attempt.id, { status: 'interrupted', metrics: {} });
    }
    expect((await claimed(context, renderClaimant('w1'))).task).toMatchObject({
      failures: 0,
      losses: 0,
      attemptCount: 6,
    });
  });
});

describe('cancelJob', () => {
  it('leaves nothing claimable, waits for running attempts, and drops the pieces', async () => {
    const { context, redis } = records;
    const job = await runJob([96, 96]);
    const claim = await claimed(context, renderClaimant('w1'));
    await commitPiece(context, { taskId: claim.task.id, attemptId: claim.attempt.id, piece: testPiece(claim, 0, 48) });
    const listener = redis.duplicate();
    await listener.subscribe(`${KEY_PREFIX}stop`);
    const stopped = new Promise((resolve) => listener.once('message', (_channel, attempt) => resolve(attempt)));
    expect(await cancelJob(context, job.id)).toBe('canceling');
    expect(await stopped).toBe(claim.attempt.id);
    listener.disconnect();
    expect(await claimTask(context, renderClaimant('w2'))).toBe('none');
    expect((await getJob(context, job.id))?.status).toBe('canceling');
    await finishAttempt(context, claim.attempt.id, { status: 'interrupted', metrics: {} });
    expect((await getJob(context, job.id))?.status).toBe('canceled');
    expect(await referencedKeys(context, job.id)).not.toContain(testPiece(claim, 0, 48).key);
    expect(await cancelJob(context, job.id)).toBe('canceled');
    expect(await retryJob(context, job.id)).toBe('retried');
    expect((await renderAll('w1')).task.framesCommitted).toBe(0);
  });
});

describe('reading', () => {
  it('pages through jobs of the same millisecond without loss or repetition', async () => {
    const { context, redis } = records;
    const ids = new Set<string>();
    for (let i = 0; i < 25; i += 1) {
      const job = newTestJob({ owner: i % 2 ? 'anna' : 'ben' });
      ids.add(job.id);
      await createJob(context, job);
      for (const scope of [job.owner, '*']) await redis.zadd(`${KEY_PREFIX}jobs:${scope}:all`, 1000, job.id);
      await redis.hset(`${KEY_PREFIX}job:${job.id}`, 'createdAt', 1000);
    }
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await listJobs(context, { limit: 4, ...(cursor && { cursor }) });
      seen.push(...page.jobs.map((job) => job.id));
      cursor = page.nextCursor;
    } while (cursor);
    expect(seen).toEqual([...ids].sort().reverse());
    expect((await listJobs(context, { owner: 'anna', limit: 50 })).jobs).toHaveLength(12);
  });

  it('accepts records of the schema before, and refuses others with what to do', async () => {
    const { context, redis } = records;
    const job = await runJob([48]);
    const key = `${KEY_PREFIX}task:${job.id}-render-00000`;
    await redis.hdel(key, 'losses');
    await redis.hset(key, 'schema', 1);
    expect(await getTask(context, `${job.id}-render-00000`)).toMatchObject({ schema: 2, losses: 0, frameCount: 48 });
    await redis.hset(key, 'schema', 3);
    await expect(getTask(context, `${job.id}-render-00000`)).rejects.toThrow(
      /record schema 3, and this program reads 1 and 2/,
    );
  });

  it('deletes and shrinks ended jobs without leaving a key of theirs', async () => {
    const { context, redis } = records;
    const keysOf = async (id: string) => (await redis.keys('*')).filter((key) => key.includes(id));
    const shrunk = await runJob([48]);
    await cancelJob(context, shrunk.id);
    expect(await shrinkEndedJobs(context, -1)).toBe(1);
    expect(await keysOf(shrunk.id)).toEqual([`${KEY_PREFIX}job:${shrunk.id}`]);
    expect(await getJob(context, shrunk.id)).toMatchObject({ status: 'canceled', shrunk: true });
    const running = await runJob([48]);
    expect(await deleteJob(context, running.id)).toBe('queued');
    expect(await deleteJob(context, shrunk.id)).toBe('deleted');
    expect(await keysOf(shrunk.id)).toEqual([]);
  });
});

describe('createJob', () => {
  it('answers a repeated idempotency key with the first job, and refuses it for other contents', async () => {
    const { context } = records;
    const [one, two, three] = [newTestJob(), newTestJob(), newTestJob()];
    const key = (bodySha256: string) => ({ idempotency: { key: 'lesson-1', bodySha256 } });
    expect(await createJob(context, { ...one, ...key('x') })).toEqual({ created: true, jobId: one.id });
    expect(await createJob(context, { ...one, ...key('x') })).toEqual({ created: true, jobId: one.id });
    expect(await createJob(context, { ...two, ...key('x') })).toEqual({ created: false, jobId: one.id });
    await expect(createJob(context, { ...three, ...key('y') })).rejects.toMatchObject({
      code: 'idempotency-key-reused',
    });
    expect((await listJobs(context, { limit: 10 })).jobs).toHaveLength(1);
  });

  it('refuses new jobs near maxmemory while commits go on', async () => {
    const small = await openTestRecords({ maxMemory: '64mb' });
    try {
      const { context, redis } = small;
      await createJob(context, newTestJob());
      await playPrepare(context, [48]);
      const claim = await claimed(context, renderClaimant('w1'));
      for (let i = 0; i < 14; i += 1) await redis.set(`ballast-${i}`, 'x'.repeat(4_000_000));
      await expect(createJob(context, newTestJob())).rejects.toMatchObject({ code: 'farm-full', status: 503 });
      const commit = { taskId: claim.task.id, attemptId: claim.attempt.id, piece: testPiece(claim, 0, 48) };
      expect(await commitPiece(context, commit)).toBe('committed');
    } finally {
      await small.close();
    }
  });
});
