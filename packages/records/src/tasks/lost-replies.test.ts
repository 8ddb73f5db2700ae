import { describe, expect, it } from 'vitest';
import { getJob } from '../jobs/get-job.js';
import { KEY_PREFIX } from '../redis/key-prefix.js';
import { claimed, preparedJob, renderClaimant, testPiece, useTestRecords, withLostReplies } from '../testing.js';
import { commitPiece } from './commit-piece.js';
import { getTasks } from './get-task.js';

const { context, redis } = await useTestRecords();

describe('a reply that got lost', () => {
  it('leaves one claim with one attempt that has a lease', async () => {
    const { id: jobId } = await preparedJob(context, [48, 48]);
    const claim = await claimed(withLostReplies(context), renderClaimant('w1'));
    const running = (await getTasks(context, jobId)).filter((task) => task.status === 'running');
    expect(running.map((task) => [task.id, task.attemptId])).toEqual([[claim.task.id, claim.attempt.id]]);
    expect((await getJob(context, jobId))?.runningAttempts).toBe(1);
    expect(await redis.zrange(`${KEY_PREFIX}leases`, 0, '-1')).toEqual([claim.attempt.id]);
  });

  it('commits a piece once', async () => {
    const { id: jobId } = await preparedJob(context, [96]);
    const claim = await claimed(context, renderClaimant('w1'));
    const commit = { taskId: claim.task.id, attemptId: claim.attempt.id, piece: testPiece(claim, 0, 48) };
    expect(await commitPiece(withLostReplies(context), commit)).toBe('committed');
    expect((await getJob(context, jobId))?.framesCommitted).toBe(48);
  });
});
