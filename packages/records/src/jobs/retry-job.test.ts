import { describe, expect, it } from 'vitest';
import { finishAttempt } from '../tasks/finish-attempt.js';
import { claimed, mediaClaimant, preparedJob, renderAll, useTestRecords } from '../testing.js';
import { cancelJob } from './cancel-job.js';
import { getJob } from './get-job.js';
import { retryJob } from './retry-job.js';

const { context, redis } = await useTestRecords();

describe('retryJob', () => {
  it('assembles again when the job was canceled after its assembly', async () => {
    const { id: jobId } = await preparedJob(context, [48]);
    await renderAll(context);
    const assemble = await claimed(context, mediaClaimant);
    // The worker dies between the two steps of its last report, and the person cancels before the sweep.
    const dying = Object.assign(Object.create(redis), { hgetall: () => Promise.reject(new Error('killed')) });
    const outcome = { status: 'succeeded' as const, result: { key: 'old' }, metrics: {} };
    await expect(finishAttempt({ ...context, redis: dying }, assemble.attempt.id, outcome)).rejects.toThrow('killed');
    expect(await cancelJob(context, jobId)).toBe('canceling');
    expect((await getJob(context, jobId))?.status).toBe('canceled');
    expect(await retryJob(context, jobId)).toBe('retried');
    await renderAll(context);
    expect((await getJob(context, jobId))?.status).toBe('running');
    expect((await claimed(context, mediaClaimant)).task.id).toBe(assemble.task.id);
  });

  it('makes the assembly ready immediately when only that had failed', async () => {
    const { id: jobId } = await preparedJob(context, [48]);
    await renderAll(context);
    const assemble = await claimed(context, mediaClaimant);
    const error = { code: 'object-corrupt', message: 'Other bytes.' };
    await finishAttempt(context, assemble.attempt.id, { status: 'failed', error, failureClass: 'input', metrics: {} });
    expect(await retryJob(context, jobId)).toBe('retried');
    expect((await claimed(context, mediaClaimant)).task.id).toBe(assemble.task.id);
  });
});
