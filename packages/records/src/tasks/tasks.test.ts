import { describe, expect, it } from 'vitest';
import { cancelJob } from '../jobs/cancel-job.js';
import { createJob } from '../jobs/create-job.js';
import { getJob } from '../jobs/get-job.js';
import { KEY_PREFIX } from '../redis/key-prefix.js';
import {
  claimed,
  mediaClaimant,
  newTestJob,
  preparedJob,
  renderClaimant,
  testPiece,
  testWorker,
  useTestRecords,
  withScripts,
} from '../testing.js';
import { registerWorker } from '../workers/register-worker.js';
import { claimTask } from './claim-task.js';
import { commitPiece } from './commit-piece.js';
import { countClaimable } from './count-claimable.js';
import { expireLeases } from './expire-leases.js';
import { finishAttempt } from './finish-attempt.js';
import { getAttempt } from './get-attempt.js';
import { getPieces } from './get-pieces.js';
import { getTask } from './get-task.js';
import { renewLeases } from './renew-leases.js';
import { setClassPaused } from './set-class-paused.js';

const { context, redis } = await useTestRecords();

describe('claimTask', () => {
  it('gives each task to one of many claimants', async () => {
    await preparedJob(
      context,
      Array.from({ length: 20 }, () => 48),
    );
    const claims = await Promise.all(Array.from({ length: 30 }, (_, i) => claimTask(context, renderClaimant(`w${i}`))));
    const tasks = claims.flatMap((claim) => (typeof claim === 'string' ? [] : [claim.task.id]));
    expect(new Set(tasks).size).toBe(20);
    expect(tasks).toHaveLength(20);
    expect(claims.filter((claim) => claim === 'none')).toHaveLength(10);
  });

  it('puts priority first, then the owner who has least, then the due date', async () => {
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

  it('puts priority before every due date that a record may hold', async () => {
    const create = async (priority: number, dueAt: string) => {
      const job = newTestJob({ spec: { priority, dueAt } });
      await createJob(context, job);
      return job.id;
    };
    const last = await create(3, '0001-01-01T00:00:00Z');
    const past = await create(2, '2000-01-01T00:00:00Z');
    const far = await create(1, '9999-12-31T23:59:59Z');
    const near = await create(1, '2099-12-31T00:00:00Z');
    const order: string[] = [];
    for (let i = 0; i < 4; i += 1) order.push((await claimed(context, mediaClaimant)).job.id);
    expect(order).toEqual([near, far, past, last]);
  });

  it('leaves work for another engine or class alone, and says so', async () => {
    await preparedJob(context, [48]);
    expect(await claimTask(context, { ...renderClaimant('w1'), engine: 'liveavatar' })).toBe('not-for-you');
    expect(await claimTask(context, renderClaimant('w1', ['24g', '16g']))).toBe('none');
  });

  it('gives nothing of a paused class, which counts as not claimable', async () => {
    await preparedJob(context, [48]);
    await setClassPaused(context, 'cpu', true);
    expect(await claimTask(context, renderClaimant('w1'))).toBe('none');
    expect((await countClaimable(context)).cpu).toBe(0);
    await setClassPaused(context, 'cpu', false);
    expect((await countClaimable(context)).cpu).toBe(1);
  });
});

describe('commitPiece', () => {
  it('accepts pieces in frame order, once', async () => {
    const job = await preparedJob(context, [96]);
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

  it('refuses an attempt that lost its task, and lets the next one continue after what is committed', async () => {
    await preparedJob(context, [96]);
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
    const job = await preparedJob(context, [96]);
    const claim = await claimed(context, renderClaimant('w1'));
    const attempts = [{ attemptId: claim.attempt.id, framesDone: 20, framesPerSecond: 50 }];
    expect(await renewLeases(context, { workerId: 'w1', status: 'busy', attempts })).toBeUndefined();
    await registerWorker(context, testWorker);
    expect(await renewLeases(context, { workerId: 'w1', status: 'busy', attempts })).toEqual({
      stop: [],
      drain: false,
      quarantined: false,
    });
    expect(await getAttempt(context, claim.attempt.id)).toMatchObject({ framesDone: 20, framesPerSecond: 50 });
    expect(await cancelJob(context, job.id)).toBe('canceling');
    expect(await renewLeases(context, { workerId: 'w1', status: 'busy', attempts })).toEqual({
      stop: [claim.attempt.id],
      drain: false,
      quarantined: false,
    });
  });

  it('are all renewed when the sweep itself comes late, as after a freeze of Redis', async () => {
    await preparedJob(context, [96]);
    const claim = await claimed(context, renderClaimant('w1'));
    await expireLeases(context, 1000);
    await redis.zadd(`${KEY_PREFIX}leases`, 1, claim.attempt.id);
    await redis.set(`${KEY_PREFIX}leases-swept`, Date.now() - 12_000);
    expect(await expireLeases(context, 1000)).toEqual([]);
    expect(Number(await redis.zscore(`${KEY_PREFIX}leases`, claim.attempt.id))).toBeGreaterThan(Date.now());
  });
});

describe('expireLeases', () => {
  it('does not end an attempt whose lease was renewed after it looked', async () => {
    await preparedJob(context, [48]);
    const claim = await claimed(context, renderClaimant('w1'));
    await redis.set(`${KEY_PREFIX}leases-swept`, Date.now());
    await redis.zadd(`${KEY_PREFIX}leases`, 1, claim.attempt.id);
    const renewing = withScripts(context, (call) => async (...args) => {
      const reply = await call(...args);
      await redis.zadd(`${KEY_PREFIX}leases`, Date.now() + 10_000, claim.attempt.id);
      return reply;
    });
    expect(await expireLeases(renewing, 60_000)).toEqual([]);
    expect(await getTask(context, claim.task.id)).toMatchObject({ status: 'running', losses: 0 });
  });
});
