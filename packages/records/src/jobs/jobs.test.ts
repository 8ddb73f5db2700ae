import { describe, expect, it } from 'vitest';
import { readJobEvents } from '../events/read-events.js';
import { KEY_PREFIX } from '../redis/key-prefix.js';
import { addMissingTickets } from '../tasks/add-missing-tickets.js';
import { claimTask } from '../tasks/claim-task.js';
import { commitPiece } from '../tasks/commit-piece.js';
import { finishAttempt } from '../tasks/finish-attempt.js';
import { getTask, getTasks } from '../tasks/get-task.js';
import {
  claimed,
  mediaClaimant,
  newTestJob,
  openTestRecords,
  playPrepare,
  preparedJob,
  renderAll,
  renderClaimant,
  testPiece,
  useTestRecords,
} from '../testing.js';
import { advance } from './advance.js';
import { advanceLiveJobs } from './advance-live-jobs.js';
import { cancelJob } from './cancel-job.js';
import { createJob } from './create-job.js';
import { deleteJob } from './delete-job.js';
import { getJob } from './get-job.js';
import { listJobs } from './list-jobs.js';
import { referencedKeys } from './referenced-keys.js';
import { retryJob } from './retry-job.js';
import { shrinkEndedJobs } from './shrink-ended-jobs.js';

const { context, redis, tickets } = await useTestRecords();

describe('a job', () => {
  it('goes from prepare through renders to assemble and succeeds, with an event for every change', async () => {
    const job = await preparedJob(context, [48, 96]);
    expect(tickets.map((t) => [t.taskId, t.taskClass, t.generation])).toEqual([
      [`${job.id}-prepare`, 'media', 1],
      [`${job.id}-render-00000`, 'cpu', 1],
      [`${job.id}-render-00001`, 'cpu', 1],
    ]);
    expect((await getJob(context, job.id))?.status).toBe('queued');
    await renderAll(context, 'w1');
    expect((await getJob(context, job.id))?.status).toBe('running');
    await renderAll(context, 'w2');
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

  it('is advanced by the sweep when the process died between a commit and its follow-up', async () => {
    const job = newTestJob();
    await createJob(context, job);
    const claim = await claimed(context, mediaClaimant);
    const crashing = { ...context, enqueue: () => Promise.reject(new Error('killed')) };
    const segment = { firstFrame: 0, frameCount: 12, speechKey: 's', marginBefore: 0, sampleCount: 7680, seed: 1 };
    const result = { frameCount: 12, portraitKey: 'p', speech: {}, segments: [segment], warnings: [] };
    await expect(
      finishAttempt(crashing, claim.attempt.id, { status: 'succeeded', result, metrics: {} }),
    ).rejects.toThrow('killed');
    tickets.length = 0;
    await advanceLiveJobs(context, expect.unreachable);
    expect(await addMissingTickets(context, { taskClass: 'cpu', count: 10, olderThanMs: -1 })).toBe(1);
    expect(tickets).toEqual([{ taskId: `${job.id}-render-00000`, taskClass: 'cpu', generation: 2, delayMs: 0 }]);
  });

  it('plans once, however often advance runs', async () => {
    const job = await preparedJob(context, [48, 48]);
    await Promise.all([advance(context, job.id), advance(context, job.id), advance(context, job.id)]);
    expect((await getTasks(context, job.id)).map((task) => task.kind)).toEqual([
      'prepare',
      'render',
      'render',
      'assemble',
    ]);
  });
});

describe('createJob', () => {
  it('has made the job even when its ticket could not be added', async () => {
    const job = newTestJob();
    const enqueue = () => Promise.reject(new Error('OOM command not allowed'));
    expect(await createJob({ ...context, enqueue }, job)).toEqual({ created: true, jobId: job.id });
    expect((await claimed(context, mediaClaimant)).job.id).toBe(job.id);
  });

  it('returns the first job for a repeated idempotency key, and refuses it for other contents', async () => {
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

  it('refuses new jobs near maxmemory while commits continue', async () => {
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

describe('cancelJob', () => {
  it('leaves nothing claimable, waits for running attempts, and drops the pieces', async () => {
    const job = await preparedJob(context, [96, 96]);
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
    expect((await renderAll(context, 'w1')).task.framesCommitted).toBe(0);
  });
});

describe('reading', () => {
  it('pages through jobs of the same millisecond without loss or repetition', async () => {
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

  it('accepts records of the schema before, and refuses older and newer ones with what to do', async () => {
    const job = await preparedJob(context, [48]);
    const key = `${KEY_PREFIX}task:${job.id}-render-00000`;
    await redis.hset(key, 'schema', 2);
    expect(await getTask(context, `${job.id}-render-00000`)).toMatchObject({ schema: 3, losses: 0, frameCount: 48 });
    for (const schema of [1, 4]) {
      await redis.hset(key, 'schema', schema);
      await expect(getTask(context, `${job.id}-render-00000`)).rejects.toThrow(
        `record schema ${schema}, and this program reads 2 and 3`,
      );
    }
  });

  it('deletes and shrinks ended jobs without leaving a key of theirs', async () => {
    const keysOf = async (id: string) => (await redis.keys('*')).filter((key) => key.includes(id));
    const shrunk = await preparedJob(context, [48]);
    await cancelJob(context, shrunk.id);
    expect(await shrinkEndedJobs(context, -1)).toBe(1);
    expect(await keysOf(shrunk.id)).toEqual([`${KEY_PREFIX}job:${shrunk.id}`]);
    expect(await getJob(context, shrunk.id)).toMatchObject({ status: 'canceled', shrunk: true });
    const running = await preparedJob(context, [48]);
    expect(await deleteJob(context, running.id)).toBe('queued');
    expect(await deleteJob(context, shrunk.id)).toBe('deleted');
    expect(await keysOf(shrunk.id)).toEqual([]);
  });
});

describe('shrinkEndedJobs', () => {
  it('waits for an attempt that has not ended', async () => {
    const job = await preparedJob(context, [48, 48]);
    const failing = await claimed(context, renderClaimant('w1'));
    const other = await claimed(context, renderClaimant('w2'));
    const error = { code: 'bad-portrait', message: 'No.' };
    await finishAttempt(context, failing.attempt.id, { status: 'failed', failureClass: 'input', error, metrics: {} });
    expect(await shrinkEndedJobs(context, -1)).toBe(0);
    expect(await finishAttempt(context, other.attempt.id, { status: 'interrupted', metrics: {} })).toBe('ended');
    expect(await shrinkEndedJobs(context, -1)).toBe(1);
    expect(await redis.hget(`${KEY_PREFIX}running-by-owner`, job.owner)).toBe('0');
  });
});

describe('advanceLiveJobs', () => {
  it('passes over a job that cannot be read, and reports it', async () => {
    const broken = newTestJob();
    await createJob(context, broken);
    await redis.hset(`${KEY_PREFIX}job:${broken.id}`, 'schema', 99);
    const fine = newTestJob();
    await createJob(context, fine);
    const failed: [string, string][] = [];
    expect(await advanceLiveJobs(context, (jobId, error) => failed.push([jobId, String(error)]))).toBe(2);
    expect(failed).toEqual([[broken.id, expect.stringContaining('record schema 99')]]);
  });
});
