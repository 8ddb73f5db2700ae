import { describe, expect, it } from 'vitest';
import { KEY_PREFIX } from '../redis/key-prefix.js';
import { LEASE_MS, renewLeases } from '../tasks/renew-leases.js';
import { testWorker, useTestRecords } from '../testing.js';
import { countWorkerFailure } from './count-worker-failure.js';
import { drainWorker } from './drain-worker.js';
import { addEngineLoad, longestEngineLoad } from './engine-loads.js';
import { getQuarantine } from './get-quarantine.js';
import { listWorkers } from './list-workers.js';
import { markOfflineWorkers } from './mark-offline-workers.js';
import { registerWorker } from './register-worker.js';
import { releaseWorker } from './release-worker.js';
import { removeWorker } from './remove-worker.js';
import { setEngineVersion } from './set-engine-version.js';
import { QUARANTINE_FAILURES } from './worker-failures.js';

const { context, redis } = await useTestRecords();

describe('a worker', () => {
  it('that was told to drain while its engine loaded still drains', async () => {
    await registerWorker(context, { ...testWorker, engineVersion: '' });
    expect(await drainWorker(context, 'w1')).toBe(true);
    await setEngineVersion(context, 'w1', '9');
    expect(await renewLeases(context, { workerId: 'w1', status: 'idle', attempts: [] })).toMatchObject({ drain: true });
    expect(await listWorkers(context)).toMatchObject([{ engineVersion: '9', status: 'idle' }]);
    await setEngineVersion(context, 'gone', '9');
    expect(await listWorkers(context)).toHaveLength(1);
  });
});

describe('the clock of a worker', () => {
  it('is noted with its heartbeats, and unknown again after it has registered again', async () => {
    const clock = async () => (await listWorkers(context))[0]?.clockSkewMs;
    await registerWorker(context, testWorker);
    expect(await clock()).toBeNull();
    await renewLeases(context, { workerId: 'w1', status: 'idle', attempts: [], clockSkewMs: -3_600_000 });
    expect(await clock()).toBe(-3_600_000);
    await renewLeases(context, { workerId: 'w1', status: 'idle', attempts: [] });
    expect(await clock()).toBe(-3_600_000);
    await registerWorker(context, testWorker);
    expect(await clock()).toBeNull();
  });
});

describe('markOfflineWorkers', () => {
  it('marks every silent worker as offline, however many there are', async () => {
    for (let i = 0; i < 120; i += 1) await registerWorker(context, { ...testWorker, id: `w${i}` });
    await markOfflineWorkers(context, { silentMs: -1 });
    expect((await listWorkers(context)).filter((worker) => worker.status !== 'offline')).toEqual([]);
  });
});

describe('two processes of one id', () => {
  const beat = (instance: string) => renewLeases(context, { workerId: 'w1', instance, status: 'idle', attempts: [] });

  it('are seen: the newer waits while the older is heard of, and has the record once it is silent', async () => {
    expect(await registerWorker(context, { ...testWorker, instance: 'a' })).toBe(0);
    expect(await registerWorker(context, { ...testWorker, instance: 'a' })).toBe(0);
    expect(await beat('a')).toMatchObject({ drain: false });
    const heldMs = await registerWorker(context, { ...testWorker, instance: 'b' });
    expect(heldMs).toBeGreaterThan(LEASE_MS - 2000);
    expect(heldMs).toBeLessThanOrEqual(LEASE_MS);
    expect(await beat('a')).toMatchObject({ drain: false });
    await redis.hset(`${KEY_PREFIX}worker:w1`, 'seenAt', Date.now() - LEASE_MS);
    expect(await registerWorker(context, { ...testWorker, instance: 'b' })).toBe(0);
    expect(await beat('a')).toBe('replaced');
    expect(await beat('b')).toMatchObject({ drain: false });
    await removeWorker(context, 'w1', 'a');
    expect(await listWorkers(context)).toHaveLength(1);
    await removeWorker(context, 'w1', 'b');
    expect(await listWorkers(context)).toEqual([]);
  });
});

describe('a quarantine', () => {
  const failure = { code: 'engine-crashed', message: 'It crashed.' };

  it('outlives a process that leaves, and the silence after it', async () => {
    await registerWorker(context, testWorker);
    for (let i = 0; i < QUARANTINE_FAILURES; i += 1) await countWorkerFailure(context, 'w1', failure);
    await removeWorker(context, 'w1');
    expect(await listWorkers(context)).toMatchObject([{ status: 'offline', quarantine: { reason: failure } }]);
    await registerWorker(context, testWorker);
    expect(await getQuarantine(context, 'w1')).toMatchObject({ reason: failure, times: 1 });
    await releaseWorker(context, 'w1');
    expect(await getQuarantine(context, 'w1')).toBeNull();
  });

  it('takes three failures, and is not of a worker that nobody knows', async () => {
    await countWorkerFailure(context, 'unknown', failure);
    expect(await redis.exists(`${KEY_PREFIX}worker:unknown`)).toBe(0);
    await registerWorker(context, testWorker);
    for (let i = 1; i < QUARANTINE_FAILURES; i += 1) await countWorkerFailure(context, 'w1', failure);
    expect(await getQuarantine(context, 'w1')).toBeNull();
  });
});

describe('loads of an engine', () => {
  it('are remembered by engine and host, the longest of each', async () => {
    const home = { host: 'studio', engine: 'liveavatar' };
    expect(await longestEngineLoad(context, home)).toBeUndefined();
    for (const loadMs of [5000, 9000.4, 7000]) await addEngineLoad(context, home, loadMs);
    expect(await longestEngineLoad(context, home)).toBe(9001);
    expect(await longestEngineLoad(context, { ...home, engine: 'draft' })).toBeUndefined();
  });
});
