import type { FailureClass } from '@farm/contracts';
import { describe, expect, it } from 'vitest';
import { getJob } from '../jobs/get-job.js';
import { retryJob } from '../jobs/retry-job.js';
import { KEY_PREFIX } from '../redis/key-prefix.js';
import {
  claimed,
  liveWorkers,
  preparedJob,
  renderAll,
  renderClaimant,
  testPiece,
  testWorker,
  useTestRecords,
} from '../testing.js';
import { listWorkers } from '../workers/list-workers.js';
import { registerWorker } from '../workers/register-worker.js';
import { releaseWorker } from '../workers/release-worker.js';
import { type Claim, claimTask } from './claim-task.js';
import { commitPiece } from './commit-piece.js';
import { finishAttempt } from './finish-attempt.js';
import { getAttempt } from './get-attempt.js';
import { getTask, getTasks } from './get-task.js';
import { renewLeases } from './renew-leases.js';
import { MAX_FAILURES, MAX_LOSSES, MAX_MACHINE_FAILURES } from './task-failures.js';

const { context, redis, tickets } = await useTestRecords();

interface Failing {
  workerId?: string;
  failureClass?: FailureClass;
  code?: string;
  ofNoTask?: boolean;
}

const fail = ({ attempt }: Claim, { failureClass = 'machine', code = 'engine-crashed', ofNoTask = false }: Failing) =>
  finishAttempt(context, attempt.id, {
    status: 'failed',
    error: { code, message: `It failed: ${code}.` },
    failureClass,
    metrics: {},
    ofNoTask,
  });

/** The next render is claimed and fails, whatever pause it is in. */
async function failNext(failing: Failing = {}): Promise<Claim> {
  const claim = await claimed(context, renderClaimant(failing.workerId ?? 'w1'));
  await fail(claim, failing);
  await redis.hset(`${KEY_PREFIX}task:${claim.task.id}`, 'notBefore', 0);
  return claim;
}

const quarantineOf = async (id: string) => (await listWorkers(context)).find((worker) => worker.id === id)?.quarantine;
const statusOf = async (jobId: string) => (await getJob(context, jobId))?.status;

describe('an attempt', () => {
  it.each(['input', 'engine', 'machine', 'storage'] as const)(
    'that failed keeps its class: %s',
    async (failureClass) => {
      await preparedJob(context, [48]);
      const { attempt } = await failNext({ failureClass });
      expect(await getAttempt(context, attempt.id)).toMatchObject({ status: 'failed', failureClass });
    },
  );

  it('has none while it runs and when it succeeded, and one when it was stopped or lost', async () => {
    await preparedJob(context, [48]);
    const claim = await claimed(context, renderClaimant('w1'));
    const classOf = async (id: string) => (await getAttempt(context, id))?.failureClass;
    expect(await classOf(claim.attempt.id)).toBeNull();
    await finishAttempt(context, claim.attempt.id, { status: 'interrupted', metrics: {} });
    expect(await classOf(claim.attempt.id)).toBe('stop');
    const lost = await claimed(context, renderClaimant('w1'));
    await redis.zadd(`${KEY_PREFIX}leases`, 1, lost.attempt.id);
    await finishAttempt(context, lost.attempt.id, { status: 'lost' });
    expect(await classOf(lost.attempt.id)).toBe('machine');
    expect(await classOf((await renderAll(context)).attempt.id)).toBeNull();
  });
});

describe('a failed task', () => {
  it('is tried again at once, then after growing pauses', async () => {
    await preparedJob(context, [48]);
    for (const code of ['one', 'two', 'three', 'four']) await failNext({ code, ofNoTask: true });
    expect(tickets.slice(-4).map((ticket) => ticket.delayMs)).toEqual([0, 1000, 2000, 4000]);
  });

  it('goes to another worker that could take it, and to the same one where there is none', async () => {
    const job = await preparedJob(context, [48]);
    await liveWorkers(context, 'w1', 'w2');
    await failNext();
    expect(await claimTask(context, renderClaimant('w1'))).toBe('not-for-you');
    await renewLeases(context, { workerId: 'w2', status: 'draining', attempts: [] });
    expect((await claimed(context, renderClaimant('w1'))).job.id).toBe(job.id);
  });

  it.each([
    ['of another engine', { engine: 'liveavatar' as const }],
    ['of another class', { vramClass: '24g' as const }],
  ])('does not wait for a worker %s', async (_name, changes) => {
    await preparedJob(context, [48]);
    await liveWorkers(context, 'w1');
    await registerWorker(context, { ...testWorker, id: 'w2', ...changes });
    await renewLeases(context, { workerId: 'w2', status: 'idle', attempts: [] });
    await failNext();
    await claimed(context, renderClaimant('w1'));
  });

  it('comes back to a worker that failed it when the others failed it too, or are silent or quarantined', async () => {
    await preparedJob(context, [48]);
    await liveWorkers(context, 'w1', 'w2');
    await failNext({ code: 'one' });
    await redis.zadd(`${KEY_PREFIX}workers`, 1, 'w2');
    const again = await claimed(context, renderClaimant('w1'));
    await finishAttempt(context, again.attempt.id, { status: 'interrupted', metrics: {} });
    await renewLeases(context, { workerId: 'w2', status: 'idle', attempts: [] });
    await failNext({ workerId: 'w2', code: 'two' });
    await claimed(context, renderClaimant('w1'));
  });
});

describe('failures of input and engine', () => {
  it('of the input fail the job immediately; a retry continues from what is committed', async () => {
    const job = await preparedJob(context, [96]);
    const claim = await claimed(context, renderClaimant('w1'));
    await commitPiece(context, { taskId: claim.task.id, attemptId: claim.attempt.id, piece: testPiece(claim, 0, 48) });
    await fail(claim, { failureClass: 'input', code: 'bad-portrait' });
    expect(await statusOf(job.id)).toBe('failed');
    expect(await retryJob(context, job.id)).toBe('retried');
    expect(await statusOf(job.id)).toBe('running');
    expect((await renderAll(context, 'w1')).task).toMatchObject({ framesCommitted: 48, failures: 0 });
    expect(await retryJob(context, job.id)).toBe('running');
  });

  it('of the engine are bounded by number', async () => {
    const job = await preparedJob(context, [48, 48]);
    for (let i = 1; i <= MAX_FAILURES; i += 1) {
      expect(await statusOf(job.id)).not.toBe('failed');
      await failNext({ failureClass: 'engine', code: `code-${i}` });
    }
    expect(await getJob(context, job.id)).toMatchObject({
      status: 'failed',
      error: { code: 'code-3' },
      runningAttempts: 0,
    });
    expect(await claimTask(context, renderClaimant('w9'))).toBe('none');
    expect((await getTasks(context, job.id)).map((task) => task.status)).toEqual([
      'succeeded',
      'failed',
      'canceled',
      'canceled',
    ]);
  });

  it('count against no worker', async () => {
    await liveWorkers(context, 'w1');
    for (let i = 0; i < 4; i += 1) {
      await preparedJob(context, [48]);
      await failNext({ failureClass: 'engine', code: 'frames-not-finite' });
    }
    expect(await quarantineOf('w1')).toBeNull();
  });

  it.each(['w1', 'w2'])('that are alike end the job with the second, on w1 and then on %s', async (second) => {
    const job = await preparedJob(context, [48]);
    await failNext({ failureClass: 'engine', code: 'frames-not-finite', workerId: 'w1' });
    expect(await statusOf(job.id)).not.toBe('failed');
    await failNext({ failureClass: 'engine', code: 'frames-not-finite', workerId: second });
    expect(await getJob(context, job.id)).toMatchObject({ status: 'failed', error: { code: 'frames-not-finite' } });
  });

  it('are not counted when an attempt was interrupted', async () => {
    await preparedJob(context, [96]);
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

describe('machine failures', () => {
  it('do not count as failures of the task, and are bounded by number', async () => {
    const job = await preparedJob(context, [48]);
    for (let i = 1; i <= MAX_MACHINE_FAILURES; i += 1) {
      expect(await statusOf(job.id)).not.toBe('failed');
      await failNext({ code: 'engine-missing', ofNoTask: true });
    }
    expect(await getJob(context, job.id)).toMatchObject({ status: 'failed', error: { code: 'engine-missing' } });
    expect(await getTask(context, `${job.id}-render-00000`)).toMatchObject({ failures: 0, machineFailures: 10 });
    expect(await retryJob(context, job.id)).toBe('retried');
    expect(await getTask(context, `${job.id}-render-00000`)).toMatchObject({ machineFailures: 0 });
  });

  it('are bounded by time', async () => {
    const job = await preparedJob(context, [48]);
    await failNext({ code: 'one' });
    await redis.hset(`${KEY_PREFIX}job:${job.id}`, 'machineFailingSince', Date.now() - 7 * 3_600_000);
    await failNext({ code: 'two' });
    expect(await statusOf(job.id)).toBe('failed');
  });

  it('that are more than an hour apart begin a new period', async () => {
    const job = await preparedJob(context, [48]);
    const key = `${KEY_PREFIX}job:${job.id}`;
    await failNext({ code: 'one' });
    const longAgo = { machineFailingSince: Date.now() - 9 * 3_600_000, machineFailedAt: Date.now() - 2 * 3_600_000 };
    await redis.hset(key, longAgo);
    await failNext({ code: 'two' });
    expect(await statusOf(job.id)).toBe('running');
    await redis.hset(key, { ...longAgo, machineFailedAt: Date.now() - 1000 });
    await failNext({ code: 'three' });
    expect(await statusOf(job.id)).toBe('failed');
  });

  it('and losses are forgotten when a piece is kept', async () => {
    const job = await preparedJob(context, [96]);
    await failNext({ code: 'one' });
    const lost = await claimed(context, renderClaimant('w1'));
    await redis.zadd(`${KEY_PREFIX}leases`, 1, lost.attempt.id);
    await finishAttempt(context, lost.attempt.id, { status: 'lost' });
    const claim = await claimed(context, renderClaimant('w1'));
    const piece = testPiece(claim, 0, 48);
    await commitPiece(context, { taskId: claim.task.id, attemptId: claim.attempt.id, piece });
    expect(await getTask(context, claim.task.id)).toMatchObject({ losses: 0, machineFailures: 0 });
    const fields = ['machineFailures', 'machineFailingSince', 'machineFailedAt'] as const;
    expect(await redis.hmget(`${KEY_PREFIX}job:${job.id}`, ...fields)).toEqual([null, null, null]);
  });

  it('are bounded for all tasks of a job together, until one of them succeeds', async () => {
    const job = await preparedJob(context, Array(40).fill(48));
    const claims: Claim[] = [];
    for (let i = 0; i < 40; i += 1) claims.push(await claimed(context, renderClaimant('w1')));
    const code = 'engine-missing';
    for (const claim of claims.splice(0, 29)) await fail(claim, { code, ofNoTask: true });
    const healthy = claims.shift()!;
    await commitPiece(context, {
      taskId: healthy.task.id,
      attemptId: healthy.attempt.id,
      piece: testPiece(healthy, 0, 48),
    });
    await finishAttempt(context, healthy.attempt.id, { status: 'succeeded', result: {}, metrics: {} });
    await fail(claims.shift()!, { code, ofNoTask: true });
    expect(await statusOf(job.id)).toBe('running');
    await redis.hset(`${KEY_PREFIX}job:${job.id}`, 'machineFailures', 29);
    await fail(claims.shift()!, { code, ofNoTask: true });
    expect(await statusOf(job.id)).toBe('failed');
  });
});

describe('a worker', () => {
  it('that failed three times in a row, whatever the tasks, is quarantined with the reason and claims no render', async () => {
    await liveWorkers(context, 'w1', 'w2');
    for (let i = 0; i < 3; i += 1) {
      expect(await quarantineOf('w1')).toBeNull();
      await preparedJob(context, [48]);
      await failNext();
    }
    expect(await quarantineOf('w1')).toMatchObject({ reason: { code: 'engine-crashed' }, times: 1 });
    await renewLeases(context, { workerId: 'w1', status: 'idle', attempts: [] });
    expect(await listWorkers(context)).toMatchObject([{ id: 'w1', status: 'quarantined' }, { status: 'idle' }]);
    await redis.del(`${KEY_PREFIX}workers`);
    expect(await claimTask(context, renderClaimant('w1'))).toBe('not-for-you');
    await claimed(context, renderClaimant('w2'));
    await registerWorker(context, testWorker);
    expect(await quarantineOf('w1')).not.toBeNull();
    await releaseWorker(context, 'w1');
    expect(await quarantineOf('w1')).toBeNull();
    await claimed(context, renderClaimant('w1'));
  });

  it('that succeeds in between is not', async () => {
    await liveWorkers(context, 'w1');
    await preparedJob(context, [48, 48, 48, 48]);
    for (let i = 0; i < 4; i += 1) {
      await failNext();
      await renderAll(context);
    }
    expect(await quarantineOf('w1')).toBeNull();
  });

  it('that renders wrong is not excused by what it decodes', async () => {
    await liveWorkers(context, 'w1');
    for (let i = 0; i < 3; i += 1) {
      // The prepare of each job is played by this worker, and succeeds.
      await preparedJob(context, [48]);
      await failNext();
    }
    expect(await quarantineOf('w1')).not.toBeNull();
  });
});

describe('a job that fails alike on two workers', () => {
  it('fails with its reason, and its failures are taken off both', async () => {
    const job = await preparedJob(context, [48, 48, 48]);
    await liveWorkers(context, 'w1', 'w2');
    for (let i = 0; i < 3; i += 1) await failNext({ workerId: 'w1' });
    expect(await quarantineOf('w1')).not.toBeNull();
    await failNext({ workerId: 'w2' });
    expect(await getJob(context, job.id)).toMatchObject({ status: 'failed', error: { code: 'engine-crashed' } });
    expect(await quarantineOf('w1')).toBeNull();
    expect(await quarantineOf('w2')).toBeNull();
    expect(await redis.hget(`${KEY_PREFIX}worker:w1`, 'renderFailures')).toBe('2');
    expect(await redis.hget(`${KEY_PREFIX}worker:w2`, 'renderFailures')).toBe('0');
  });

  it('does not fail for failures of other codes, nor for those that say nothing about it', async () => {
    const job = await preparedJob(context, [48]);
    await failNext({ workerId: 'w1', code: 'engine-crashed' });
    await failNext({ workerId: 'w2', code: 'engine-hung' });
    await failNext({ workerId: 'w3', code: 'engine-missing', ofNoTask: true });
    await failNext({ workerId: 'w4', code: 'engine-missing', ofNoTask: true });
    expect(await statusOf(job.id)).toBe('running');
  });

  it('fails on a lone worker, too, once that has proved itself in between', async () => {
    const job = await preparedJob(context, [48]);
    await liveWorkers(context, 'w1');
    for (let i = 0; i < 3; i += 1) await failNext();
    expect(await statusOf(job.id)).toBe('running');
    await releaseWorker(context, 'w1');
    await failNext();
    expect(await statusOf(job.id)).toBe('failed');
    expect(await quarantineOf('w1')).toBeNull();
  });
});

describe('storage failures', () => {
  it('count against nobody, and are bounded by time', async () => {
    const job = await preparedJob(context, [48]);
    await liveWorkers(context, 'w1', 'w2');
    const unavailable = { failureClass: 'storage', code: 'storage-unavailable' } as const;
    for (let i = 0; i < 12; i += 1) {
      await redis.del(`${KEY_PREFIX}task:${job.id}-render-00000:excluded`);
      await failNext({ ...unavailable, workerId: i % 2 ? 'w1' : 'w2' });
    }
    expect(await statusOf(job.id)).toBe('running');
    expect(await quarantineOf('w1')).toBeNull();
    const key = `${KEY_PREFIX}task:${job.id}-render-00000`;
    expect(await getTask(context, `${job.id}-render-00000`)).toMatchObject({ failures: 0, machineFailures: 0 });
    await redis.hset(
      key,
      'storageFailingSince',
      Date.now() - 25 * 3_600_000,
      'storageFailedAt',
      Date.now() - 7_200_000,
    );
    await redis.del(`${key}:excluded`);
    await failNext(unavailable);
    expect(await statusOf(job.id)).toBe('running');
    await redis.hset(key, 'storageFailingSince', Date.now() - 25 * 3_600_000);
    await redis.del(`${key}:excluded`);
    await failNext(unavailable);
    expect(await statusOf(job.id)).toBe('failed');
  });
});

describe('losses', () => {
  it('are bounded by a number of their own', async () => {
    const job = await preparedJob(context, [48]);
    for (let i = 0; i < MAX_LOSSES; i += 1) {
      expect(await statusOf(job.id)).not.toBe('failed');
      const { attempt } = await claimed(context, renderClaimant('w1'));
      await redis.zadd(`${KEY_PREFIX}leases`, 1, attempt.id);
      await finishAttempt(context, attempt.id, { status: 'lost' });
    }
    expect(await statusOf(job.id)).toBe('failed');
  });
});
