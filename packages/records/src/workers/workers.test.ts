import { describe, expect, it } from 'vitest';
import { renewLeases } from '../tasks/renew-leases.js';
import { testWorker, useTestRecords } from '../testing.js';
import { drainWorker } from './drain-worker.js';
import { listWorkers } from './list-workers.js';
import { markOfflineWorkers } from './mark-offline-workers.js';
import { registerWorker } from './register-worker.js';
import { setEngineVersion } from './set-engine-version.js';

const { context } = await useTestRecords();

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
