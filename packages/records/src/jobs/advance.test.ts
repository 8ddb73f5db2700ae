import { describe, expect, it } from 'vitest';
import type { RecordsContext } from '../records-context.js';
import { KEY_PREFIX } from '../redis/key-prefix.js';
import { finishAttempt } from '../tasks/finish-attempt.js';
import { getTask } from '../tasks/get-task.js';
import { claimed, mediaClaimant, newTestJob, playPrepare, preparedJob, renderAll, useTestRecords } from '../testing.js';
import { advance } from './advance.js';
import { cancelJob } from './cancel-job.js';
import { createJob } from './create-job.js';
import { getJob } from './get-job.js';
import { retryJob } from './retry-job.js';

const { context, redis } = await useTestRecords();

/** What the planner reads is as it was before `meanwhile`; its script comes after it. */
function overtakenBy(meanwhile: () => Promise<unknown>): RecordsContext {
  let overtaken: Promise<unknown> | undefined;
  const evalsha = async (...args: Parameters<typeof redis.evalsha>) => {
    overtaken ??= meanwhile();
    await overtaken;
    return redis.evalsha(...args);
  };
  return { ...context, redis: Object.assign(Object.create(redis), { evalsha }) };
}

async function cancelAndRetry(jobId: string): Promise<void> {
  expect(await cancelJob(context, jobId)).toBe('canceling');
  expect(await retryJob(context, jobId)).toBe('retried');
}

/** The worker dies between its last report and `advance`. */
const dying = (): RecordsContext => ({
  ...context,
  redis: Object.assign(Object.create(redis), { hgetall: () => Promise.reject(new Error('killed')) }),
});

async function allRendered(): Promise<string> {
  const { id: jobId } = await preparedJob(context, [48, 48]);
  await renderAll(context);
  await expect(renderAll(dying())).rejects.toThrow('killed');
  return jobId;
}

describe('an advance that a cancel and a retry overtake', () => {
  it('readies no assembly without its pieces', async () => {
    const jobId = await allRendered();
    await advance(
      overtakenBy(() => cancelAndRetry(jobId)),
      jobId,
    );
    expect(await getTask(context, `${jobId}-assemble`)).toMatchObject({ status: 'pending', generation: 0 });
    await renderAll(context);
    expect(await getTask(context, `${jobId}-assemble`)).toMatchObject({ status: 'pending' });
    await renderAll(context);
    expect((await claimed(context, mediaClaimant)).task).toMatchObject({ kind: 'assemble' });
  });

  it('does not end the job with the video of the generation before', async () => {
    const jobId = await allRendered();
    await advance(context, jobId);
    const assemble = await claimed(context, mediaClaimant);
    const outcome = { status: 'succeeded' as const, result: { key: 'old' }, metrics: {} };
    await expect(finishAttempt(dying(), assemble.attempt.id, outcome)).rejects.toThrow('killed');
    const meanwhile = async () => {
      await cancelAndRetry(jobId);
      await renderAll(context);
      await renderAll(context);
    };
    await advance(overtakenBy(meanwhile), jobId);
    expect(await getJob(context, jobId)).toMatchObject({ status: 'running', video: null });
    const again = await claimed(context, mediaClaimant);
    await finishAttempt(context, again.attempt.id, { ...outcome, result: { key: 'new' } });
    expect(await getJob(context, jobId)).toMatchObject({ status: 'succeeded', video: { key: 'new' } });
  });

  it.each(['framesCommitted', 'status'])(
    'believes no count of renders left where a render has another %s',
    async (field) => {
      const jobId = await allRendered();
      await redis.hset(`${KEY_PREFIX}task:${jobId}-render-00001`, field, field === 'status' ? 'ready' : 0);
      await advance(context, jobId);
      expect(await getTask(context, `${jobId}-assemble`)).toMatchObject({ status: 'pending' });
    },
  );

  it('does not end the job while a render lacks pieces', async () => {
    const jobId = await allRendered();
    await advance(context, jobId);
    const assemble = await claimed(context, mediaClaimant);
    const render = `${KEY_PREFIX}task:${jobId}-render-00000`;
    await redis.hset(render, 'framesCommitted', 0);
    await finishAttempt(context, assemble.attempt.id, { status: 'succeeded', result: { key: 'new' }, metrics: {} });
    expect(await getJob(context, jobId)).toMatchObject({ status: 'running', video: null });
    await redis.hset(render, 'framesCommitted', 48);
    await advance(context, jobId);
    expect(await getJob(context, jobId)).toMatchObject({ status: 'succeeded', video: { key: 'new' } });
  });

  it.each([
    ['opened', { status: 'ready', attemptId: '' }],
    ['made', { attemptId: 'another' }],
  ])('plans no renders from a prepare that has been %s again', async (_what, changed) => {
    const job = newTestJob();
    await createJob(context, job);
    await expect(playPrepare(dying(), [48])).rejects.toThrow('killed');
    const prepare = `${KEY_PREFIX}task:${job.id}-prepare`;
    const before = await redis.hgetall(prepare);
    await advance(
      overtakenBy(() => redis.hset(prepare, changed)),
      job.id,
    );
    expect(await getJob(context, job.id)).toMatchObject({ status: 'preparing', rendersLeft: null });
    await redis.hset(prepare, before);
    await advance(context, job.id);
    expect((await getJob(context, job.id))?.status).toBe('queued');
  });
});
