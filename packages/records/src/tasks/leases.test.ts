import { describe, expect, it } from 'vitest';
import { KEY_PREFIX } from '../redis/key-prefix.js';
import { claimed, preparedJob, renderClaimant, testWorker, useTestRecords } from '../testing.js';
import { registerWorker } from '../workers/register-worker.js';
import { expireLeases } from './expire-leases.js';
import { LEASE_MS, renewLeases } from './renew-leases.js';

const { context, redis } = await useTestRecords();
const LEASES = `${KEY_PREFIX}leases`;
const SWEPT = `${KEY_PREFIX}leases-swept`;

/** Everything that the sweep knows happened this much earlier. */
async function letTimePass(milliseconds: number): Promise<void> {
  const rows = await redis.zrange(LEASES, 0, '-1');
  for (const attemptId of rows) await redis.zincrby(LEASES, -milliseconds, attemptId);
  if (await redis.exists(SWEPT)) await redis.decrby(SWEPT, milliseconds);
}

async function runningAttempt(): Promise<{ attemptId: string; renew: () => Promise<unknown> }> {
  await preparedJob(context, [96]);
  await registerWorker(context, testWorker);
  const { attempt } = await claimed(context, renderClaimant('w1'));
  await expireLeases(context, 1000);
  const attempts = [{ attemptId: attempt.id, framesDone: 1, framesPerSecond: 1 }];
  return { attemptId: attempt.id, renew: () => renewLeases(context, { workerId: 'w1', status: 'busy', attempts }) };
}

describe('a lease', () => {
  it.each([4000, 8000, 30_000])('that nobody renews ends under a sweep that comes every %i ms', async (periodMs) => {
    const { attemptId } = await runningAttempt();
    let silentMs = 0;
    let firstLateMs: number | undefined;
    for (;;) {
      await letTimePass(periodMs);
      silentMs += periodMs;
      const lost = await expireLeases(context, 1000);
      if (lost.length > 0) {
        expect(lost).toEqual([attemptId]);
        break;
      }
      firstLateMs ??= silentMs;
      // The stated end: the first sweep that comes a lease or more after the first late one.
      expect(silentMs - firstLateMs).toBeLessThan(LEASE_MS);
    }
    expect(await redis.exists(`${KEY_PREFIX}leases-extended`)).toBe(0);
  });

  it('whose attempt has no record any more is taken away', async () => {
    await runningAttempt();
    await redis.zadd(LEASES, 1, 'of-a-deleted-job');
    await redis.sadd(`${KEY_PREFIX}leases-extended`, 'of-a-deleted-job');
    expect(await expireLeases(context, 1000)).toEqual([]);
    expect(await redis.zscore(LEASES, 'of-a-deleted-job')).toBeNull();
    expect(await redis.exists(`${KEY_PREFIX}leases-extended`)).toBe(0);
  });

  it('outlives one freeze of Redis after the other, when its worker renews it in between', async () => {
    const { renew } = await runningAttempt();
    for (let freeze = 0; freeze < 4; freeze += 1) {
      await letTimePass(12_000);
      expect(await expireLeases(context, 1000)).toEqual([]);
      await letTimePass(900);
      await renew();
    }
    await letTimePass(600_000);
    expect(await expireLeases(context, 1000)).toEqual([]);
  });
});
