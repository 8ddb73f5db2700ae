import { readFile } from 'node:fs/promises';
import type { Redis } from 'ioredis';
import { beforeEach, expect, it } from 'vitest';
import { getJob } from '../jobs/get-job.js';
import { claimed, mediaClaimant, playPrepare, renderAll, testPiece, useTestRecords } from '../testing.js';
import { claimTask } from './claim-task.js';
import { commitPiece } from './commit-piece.js';
import { countClaimable } from './count-claimable.js';
import { finishAttempt } from './finish-attempt.js';
import { getAttempt } from './get-attempt.js';
import { getPieces } from './get-pieces.js';
import { getTask } from './get-task.js';
import { moveHostTasks } from './move-host-tasks.js';
import { setClassPaused } from './set-class-paused.js';

/**
 * What the last version that wrote schema 2 had stored: a job that renders, half of it committed; one whose `prepare` is
 * running; and one whose `prepare` waits while its class is paused.
 */
interface Stored {
  jobs: { rendering: string; preparing: string; waiting: string };
  keys: Record<string, { hash?: Record<string, string>; list?: string[]; set?: string[]; zset?: string[] }>;
}

const file = new URL('schema-2-records.json', import.meta.url);
const { jobs, keys } = JSON.parse(await readFile(file, 'utf8')) as Stored;
const { context, redis, tickets } = await useTestRecords();

async function store(target: Redis): Promise<void> {
  for (const [key, { hash, list, set, zset = [] }] of Object.entries(keys)) {
    if (hash) await target.hset(key, hash);
    if (list) await target.rpush(key, ...list);
    if (set) await target.sadd(key, ...set);
    for (let i = 0; i < zset.length; i += 2) await target.zadd(key, zset[i + 1]!, zset[i]!);
  }
}
beforeEach(() => store(redis));

it('reads the records as they are, without the solver that specs had', async () => {
  const job = await getJob(context, jobs.rendering);
  expect(job).toMatchObject({ status: 'running', framesCommitted: 48, spec: { steps: 4, precision: 'auto' } });
  expect(job?.spec).not.toHaveProperty('solver');
  expect(await getTask(context, `${jobs.waiting}-prepare`)).toMatchObject({ status: 'ready', taskClass: 'media' });
  expect(await getTask(context, `${jobs.rendering}-assemble`)).toMatchObject({ taskClass: 'media' });
});

it('keeps the class paused, and moves what was ready with a new ticket, once', async () => {
  const task = `${jobs.waiting}-prepare`;
  expect(await moveHostTasks(context)).toBe(1);
  expect(tickets).toEqual([{ taskId: task, taskClass: 'media', generation: 2, delayMs: 0 }]);
  expect(await moveHostTasks(context)).toBe(0);
  expect((await redis.keys('*')).filter((key) => key.includes('host'))).toEqual([]);
  expect(await claimTask(context, mediaClaimant)).toBe('none');
  await setClassPaused(context, 'media', false);
  expect((await countClaimable(context)).media).toBe(1);
  expect((await playPrepare(context, [48])).task.id).toBe(task);
});

it('lets a job succeed whose render was under way and whose assembly is of the old class', async () => {
  await moveHostTasks(context);
  await setClassPaused(context, 'media', false);
  const taskId = `${jobs.rendering}-render-00000`;
  const { attemptId } = (await getTask(context, taskId))!;
  const attempt = (await getAttempt(context, attemptId!))!;
  const claim = { job: (await getJob(context, jobs.rendering))!, task: (await getTask(context, taskId))!, attempt };
  const piece = testPiece({ ...claim, pieces: await getPieces(context, taskId) }, 48, 48);
  expect(await commitPiece(context, { taskId, attemptId: attempt.id, piece })).toBe('committed');
  await finishAttempt(context, attempt.id, { status: 'succeeded', result: {}, metrics: {} });
  expect(tickets.at(-1)).toMatchObject({ taskId: `${jobs.rendering}-assemble`, taskClass: 'media' });
  expect(await moveHostTasks(context)).toBe(1);
  const assemble = await claimed(context, mediaClaimant);
  expect(assemble.task.id).toBe(`${jobs.rendering}-assemble`);
  await finishAttempt(context, assemble.attempt.id, { status: 'succeeded', result: { key: 'v' }, metrics: {} });
  expect(await getJob(context, jobs.rendering)).toMatchObject({ status: 'succeeded', framesCommitted: 96 });
});

it('lets an old attempt at `prepare` end, and its job render', async () => {
  await moveHostTasks(context);
  const { attemptId } = (await getTask(context, `${jobs.preparing}-prepare`))!;
  const segment = { firstFrame: 0, frameCount: 48, speechKey: 's', marginBefore: 0, sampleCount: 1, seed: 1 };
  const result = { frameCount: 48, portraitKey: 'p', speech: {}, segments: [segment], warnings: [] };
  await finishAttempt(context, attemptId!, { status: 'succeeded', result, metrics: {} });
  expect((await renderAll(context)).job.id).toBe(jobs.preparing);
  expect(await getTask(context, `${jobs.preparing}-assemble`)).toMatchObject({ status: 'ready', taskClass: 'media' });
});
