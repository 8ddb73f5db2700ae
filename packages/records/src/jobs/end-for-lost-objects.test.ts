import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { KEY_PREFIX } from '../redis/key-prefix.js';
import { claimTask } from '../tasks/claim-task.js';
import { commitPiece } from '../tasks/commit-piece.js';
import { finishAttempt } from '../tasks/finish-attempt.js';
import { getAttempt } from '../tasks/get-attempt.js';
import { getPieces } from '../tasks/get-pieces.js';
import { getTask } from '../tasks/get-task.js';
import type { PrepareResult } from '../tasks/task-record.js';
import {
  claimed,
  liveWorkers,
  mediaClaimant,
  playPrepare,
  preparedJob,
  renderAll,
  renderClaimant,
  testPiece,
  useTestRecords,
  withLostReplies,
  withScripts,
} from '../testing.js';
import { releaseWorker } from '../workers/release-worker.js';
import { QUARANTINE_FAILURES } from '../workers/worker-failures.js';
import { cancelJob } from './cancel-job.js';
import { type LostObject, MAX_RECOVERIES } from './end-for-lost-objects.js';
import { getJob } from './get-job.js';
import { retryJob } from './retry-job.js';

const { context, redis } = await useTestRecords();

const getWorker = (id: string) => redis.hgetall(`${KEY_PREFIX}worker:${id}`);

async function forgetPauses(): Promise<void> {
  for (const key of await redis.keys(`${KEY_PREFIX}task:*-assemble`)) await redis.hset(key, 'notBefore', 0);
}

const lostAs = (found: LostObject['found'], keys: readonly string[]) => ({
  status: 'failed' as const,
  error: { code: `object-${found}`, message: 'Gone.' },
  failureClass: 'storage' as const,
  metrics: {},
  lostObjects: keys.map((key) => ({ key, found })),
});
const lost = (...keys: string[]) => lostAs('missing', keys);
const corrupt = (...keys: string[]) => lostAs('corrupt', keys);

/** A render of three pieces of 48 frames, played to its end. */
async function renderThreePieces(): Promise<string> {
  const claim = await claimed(context, renderClaimant('w1'));
  const { task, attempt } = claim;
  for (let first = task.framesCommitted; first < task.frameCount; first += 48)
    await commitPiece(context, { taskId: task.id, attemptId: attempt.id, piece: testPiece(claim, first, 48) });
  await finishAttempt(context, attempt.id, { status: 'succeeded', result: {}, metrics: {} });
  return task.id;
}

describe('a lost piece', () => {
  it('reopens its segment from there, and the assembly waits for it', async () => {
    const { id: jobId } = await preparedJob(context, [144, 144]);
    const first = await renderThreePieces();
    const second = await renderThreePieces();
    const assemble = await claimed(context, mediaClaimant);
    const pieces = await getPieces(context, first);
    expect(await finishAttempt(context, assemble.attempt.id, lost(pieces[1]!.key))).toBe('ended');

    expect(await getTask(context, first)).toMatchObject({ status: 'ready', framesCommitted: 48 });
    expect(await getPieces(context, first)).toEqual(pieces.slice(0, 1));
    expect(await getTask(context, second)).toMatchObject({ status: 'succeeded', framesCommitted: 144 });
    expect(await getTask(context, assemble.task.id)).toMatchObject({ status: 'pending', failures: 0 });
    expect(await getJob(context, jobId)).toMatchObject({ status: 'running', framesCommitted: 192, rendersLeft: 1 });
    expect((await getAttempt(context, assemble.attempt.id))?.status).toBe('failed');

    await renderThreePieces();
    expect(await getJob(context, jobId)).toMatchObject({ framesCommitted: 288, rendersLeft: 0 });
    const again = await claimed(context, mediaClaimant);
    await finishAttempt(context, again.attempt.id, { status: 'succeeded', result: { key: 'v' }, metrics: {} });
    expect((await getJob(context, jobId))?.status).toBe('succeeded');
  });

  it('reopens every segment that lost one, the first piece included', async () => {
    const { id: jobId } = await preparedJob(context, [144, 144]);
    const [first, second] = [await renderThreePieces(), await renderThreePieces()];
    const keys = [(await getPieces(context, first))[0]!.key, (await getPieces(context, second))[2]!.key];
    const assemble = await claimed(context, mediaClaimant);
    await finishAttempt(context, assemble.attempt.id, lost(...keys));
    expect(await getPieces(context, first)).toEqual([]);
    expect(await getTask(context, second)).toMatchObject({ status: 'ready', framesCommitted: 96 });
    expect(await getJob(context, jobId)).toMatchObject({ framesCommitted: 96, rendersLeft: 2 });
  });

  it('is reopened once when the reply gets lost', async () => {
    const { id: jobId } = await preparedJob(context, [144]);
    const render = await renderThreePieces();
    const key = (await getPieces(context, render))[1]!.key;
    const assemble = await claimed(context, mediaClaimant);
    expect(await finishAttempt(withLostReplies(context), assemble.attempt.id, lost(key))).toBe('ended');
    expect(await getJob(context, jobId)).toMatchObject({ framesCommitted: 48, rendersLeft: 1, runningAttempts: 0 });
    expect(await finishAttempt(context, assemble.attempt.id, lost('another'))).toBe('fenced');
  });

  it('that was reopened before sends the assembly round again', async () => {
    await preparedJob(context, [144]);
    await renderThreePieces();
    const assemble = await claimed(context, mediaClaimant);
    await finishAttempt(context, assemble.attempt.id, lost('jobs/x/pieces/of-an-earlier-attempt.mp4'));
    expect((await claimed(context, mediaClaimant)).task.id).toBe(assemble.task.id);
  });

  it('fails the job when it happens again and again, and a retry counts from zero', async () => {
    const { id: jobId } = await preparedJob(context, [48]);
    for (let count = 0; count <= MAX_RECOVERIES; count += 1) {
      expect((await getJob(context, jobId))?.status, `after ${count}`).toMatch(/queued|running/);
      const { task } = await renderAll(context);
      const assemble = await claimed(context, mediaClaimant);
      await finishAttempt(context, assemble.attempt.id, lost((await getPieces(context, task.id))[0]!.key));
    }
    expect(await getJob(context, jobId)).toMatchObject({ status: 'failed', error: { code: 'object-missing' } });
    expect(await retryJob(context, jobId)).toBe('retried');
    const assemble = await claimed(context, mediaClaimant);
    const [piece] = await getPieces(context, `${jobId}-render-00000`);
    await finishAttempt(context, assemble.attempt.id, lost(piece!.key));
    await renderAll(context);
    expect((await claimed(context, mediaClaimant)).task.kind).toBe('assemble');
  });

  it('of a job that is being canceled reopens nothing', async () => {
    const { id: jobId } = await preparedJob(context, [48]);
    const { task } = await renderAll(context);
    const assemble = await claimed(context, mediaClaimant);
    const key = (await getPieces(context, task.id))[0]!.key;
    await cancelJob(context, jobId);
    await finishAttempt(context, assemble.attempt.id, lost(key));
    expect((await getJob(context, jobId))?.status).toBe('canceled');
  });
});

describe('a corrupt piece', () => {
  const assembler = (workerId: string) => ({ ...mediaClaimant, workerId });

  async function assemblyOf(workerId: string): Promise<string> {
    return (await claimed(context, assembler(workerId))).attempt.id;
  }

  it('that one worker alone finds is a failure of that machine; a second one that finds it reopens its segment', async () => {
    await liveWorkers(context, 'w1', 'w2');
    const { id: jobId } = await preparedJob(context, [144]);
    const render = await renderThreePieces();
    const { key } = (await getPieces(context, render))[1]!;
    const first = await assemblyOf('w1');
    await finishAttempt(context, first, corrupt(key));
    expect(await getAttempt(context, first)).toMatchObject({ status: 'failed', failureClass: 'machine' });
    expect(await getTask(context, render)).toMatchObject({ status: 'succeeded', framesCommitted: 144 });
    expect(await getJob(context, jobId)).toMatchObject({ status: 'running', rendersLeft: 0 });
    expect(await claimTask(context, assembler('w1'))).toBe('not-for-you');

    const second = await assemblyOf('w2');
    await finishAttempt(context, second, corrupt(key));
    expect(await getAttempt(context, second)).toMatchObject({ status: 'failed', failureClass: 'storage' });
    expect(await getTask(context, render)).toMatchObject({ status: 'ready', framesCommitted: 48 });
    expect((await getWorker('w1')).mediaFailures ?? '0').toBe('0');
  });

  it('that is sound for the second worker is left as it is', async () => {
    await liveWorkers(context, 'w1', 'w2');
    const { id: jobId } = await preparedJob(context, [144]);
    const render = await renderThreePieces();
    const pieces = await getPieces(context, render);
    await finishAttempt(context, await assemblyOf('w1'), corrupt(pieces[1]!.key));
    await finishAttempt(context, await assemblyOf('w2'), { status: 'succeeded', result: { key: 'v' }, metrics: {} });
    expect((await getJob(context, jobId))?.status).toBe('succeeded');
    expect(await getPieces(context, render)).toEqual(pieces);
  });

  it('is believed of a lone worker once it has proved itself', async () => {
    await liveWorkers(context, 'w1');
    const { id: jobId } = await preparedJob(context, [144]);
    const render = await renderThreePieces();
    const { key } = (await getPieces(context, render))[1]!;
    for (let count = 0; count < QUARANTINE_FAILURES; count += 1) {
      await forgetPauses();
      await finishAttempt(context, await assemblyOf('w1'), corrupt(key));
    }
    expect((await getTask(context, render))?.status).toBe('succeeded');
    expect((await getWorker('w1')).quarantinedAt).toBeDefined();
    await sleep(2);
    await releaseWorker(context, 'w1');
    await forgetPauses();
    await finishAttempt(context, await assemblyOf('w1'), corrupt(key));
    expect(await getTask(context, render)).toMatchObject({ status: 'ready', framesCommitted: 48 });
    expect((await getJob(context, jobId))?.status).toBe('running');
  });

  it('beside a missing one waits for its own confirmation', async () => {
    await liveWorkers(context, 'w1', 'w2');
    await preparedJob(context, [144, 144]);
    const [first, second] = [await renderThreePieces(), await renderThreePieces()];
    const [gone, doubted] = [(await getPieces(context, first))[1]!.key, (await getPieces(context, second))[1]!.key];
    const both = lost(gone);
    both.lostObjects.push({ key: doubted, found: 'corrupt' as never });
    await finishAttempt(context, await assemblyOf('w1'), both);
    expect(await getTask(context, first)).toMatchObject({ status: 'ready', framesCommitted: 48 });
    expect((await getTask(context, second))?.status).toBe('succeeded');
  });

  it('whose report is sent twice counts once', async () => {
    await liveWorkers(context, 'w1', 'w2');
    await preparedJob(context, [144]);
    const render = await renderThreePieces();
    const { key } = (await getPieces(context, render))[1]!;
    const attempt = await assemblyOf('w1');
    expect(await finishAttempt(withLostReplies(context), attempt, corrupt(key))).toBe('ended');
    expect((await getWorker('w1')).mediaFailures).toBe('1');
    expect((await getTask(context, render))?.status).toBe('succeeded');
  });
});

describe('a corrupt input', () => {
  it('fails the job only when a second worker finds it too', async () => {
    await liveWorkers(context, 'w1', 'w2');
    const job = await preparedJob(context, [48]);
    await renderAll(context);
    const first = await claimed(context, mediaClaimant);
    await finishAttempt(context, first.attempt.id, corrupt(job.speech.key));
    expect((await getJob(context, job.id))?.status).toBe('running');
    const second = await claimed(context, { ...mediaClaimant, workerId: 'w2' });
    await finishAttempt(context, second.attempt.id, corrupt(job.speech.key));
    expect(await getJob(context, job.id)).toMatchObject({ status: 'failed', error: { code: 'object-corrupt' } });
  });
});

describe('a lost prepared file', () => {
  it('is not made again for a report that was read before it was', async () => {
    const { id: jobId } = await preparedJob(context, [48, 48]);
    const [one, two] = [await claimed(context, renderClaimant('w1')), await claimed(context, renderClaimant('w2'))];
    const preparedMeanwhile = withScripts(context, (call) => async (...args) => {
      if ((await getAttempt(context, one.attempt.id))?.status === 'running') {
        await finishAttempt(context, one.attempt.id, lost('portrait.png'));
        await playPrepare(context, [48, 48]);
      }
      return call(...args);
    });
    await finishAttempt(preparedMeanwhile, two.attempt.id, lost('portrait.png'));
    expect((await getTask(context, `${jobId}-prepare`))?.status).toBe('succeeded');
    expect((await getTask(context, two.task.id))?.status).toBe('ready');
  });

  it('runs prepare again; the renders that need it wait, and get the new keys but keep their seeds', async () => {
    const { id: jobId } = await preparedJob(context, [48, 48]);
    await renderAll(context);
    const render = await claimed(context, renderClaimant('w1'));
    await finishAttempt(context, render.attempt.id, lost(render.task.segment!.speechKey));
    expect((await getTask(context, render.task.id))?.status).toBe('pending');

    const prepare = await claimed(context, mediaClaimant);
    expect(prepare.task.kind).toBe('prepare');
    const old = prepare.task.result as PrepareResult;
    const segments = old.segments.map((segment, index) => ({ ...segment, speechKey: `new-${index}.wav`, seed: 99 }));
    const result = { ...old, portraitKey: 'new.png', segments };
    await finishAttempt(context, prepare.attempt.id, { status: 'succeeded', result, metrics: {} });

    expect(await getTask(context, render.task.id)).toMatchObject({
      status: 'ready',
      segment: { ...render.task.segment, speechKey: 'new-1.wav' },
    });
    await renderAll(context);
    expect(await getJob(context, jobId)).toMatchObject({ status: 'running', rendersLeft: 0, replan: false });
    expect((await claimed(context, mediaClaimant)).task.kind).toBe('assemble');
  });

  it('that several renders miss is made once, and a render that was late gets the new key', async () => {
    const { id: jobId } = await preparedJob(context, [48, 48]);
    const [one, two] = [await claimed(context, renderClaimant('w1')), await claimed(context, renderClaimant('w2'))];
    await finishAttempt(context, one.attempt.id, lost('portrait.png'));
    const prepare = await claimed(context, mediaClaimant);
    const old = prepare.task.result as PrepareResult;
    const result = { ...old, portraitKey: 'new.png' };
    await finishAttempt(context, prepare.attempt.id, { status: 'succeeded', result, metrics: {} });
    await finishAttempt(context, two.attempt.id, lost('portrait.png'));
    expect((await getTask(context, `${jobId}-prepare`))?.status).toBe('succeeded');
    expect((await getTask(context, one.task.id))?.status).toBe('ready');
    expect((await getTask(context, two.task.id))?.status).toBe('ready');
  });

  it('that more renders miss than a job has recoveries is one loss', async () => {
    const { id: jobId } = await preparedJob(context, Array(MAX_RECOVERIES + 4).fill(48));
    for (let count = 0; count < MAX_RECOVERIES + 4; count += 1) {
      const render = await claimed(context, renderClaimant('w1'));
      await finishAttempt(context, render.attempt.id, lost('portrait.png'));
    }
    expect((await getJob(context, jobId))?.status).toBe('running');
    await playPrepare(context, Array(MAX_RECOVERIES + 4).fill(48));
    expect((await renderAll(context)).job.id).toBe(jobId);
  });

  it('fails the job when the speech is now cut into other segments', async () => {
    const { id: jobId } = await preparedJob(context, [48, 48]);
    const render = await claimed(context, renderClaimant('w1'));
    await finishAttempt(context, render.attempt.id, lost(render.task.segment!.speechKey));
    await playPrepare(context, [40, 56]);
    expect(await getJob(context, jobId)).toMatchObject({ status: 'failed', error: { code: 'speech-cut-differently' } });
  });
});

describe('a lost input', () => {
  it('fails the job immediately, with its name', async () => {
    const job = await preparedJob(context, [48]);
    await renderAll(context);
    const assemble = await claimed(context, mediaClaimant);
    await finishAttempt(context, assemble.attempt.id, lost(job.speech.key));
    expect(await getJob(context, job.id)).toMatchObject({ status: 'failed', error: { code: 'object-missing' } });
  });
});
