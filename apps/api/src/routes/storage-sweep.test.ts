import type { StorageSweep } from '@farm/contracts';
import { takeConfirmedCount, writeSweepReport } from '@farm/records';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { call } from '../testing/requests.js';
import { startTestFarm, type TestFarm } from '../testing/test-farm.js';

let farm: TestFarm;
beforeAll(async () => {
  farm = await startTestFarm();
});
afterAll(() => farm.close());

const nothing = { count: 0, bytes: 0, keys: [] };
const report = (waiting: StorageSweep['waiting']): StorageSweep => ({
  at: new Date().toISOString(),
  seen: 200,
  deleted: 0,
  waiting,
  unknown: nothing,
});

it('shows a sweep that waits, says so when asked whether the farm is ready, and lets an administrator confirm it', async () => {
  const sweep = (method: string, path = '', key = farm.key) =>
    call<StorageSweep & { code: string }>(`${farm.url}/v1/storage/sweep${path}`, key, { method });
  const warnings = async () =>
    (await call<{ status: string; warnings?: { code: string; message: string }[] }>(`${farm.url}/v1/ready`, '')).body;
  expect((await sweep('GET')).body.code).toBe('nothing-swept-yet');
  await writeSweepReport(farm.records, report(null));
  expect((await sweep('POST', '/confirm')).body.code).toBe('nothing-to-confirm');
  expect(await warnings()).toEqual({ status: 'ready' });

  const waiting = { count: 101, bytes: 7, keys: ['jobs/1/pieces/x'] };
  await writeSweepReport(farm.records, report(waiting));
  expect((await sweep('GET')).body).toMatchObject({ waiting, unknown: nothing });
  const said = await warnings();
  expect(said).toMatchObject({ status: 'ready', warnings: [{ code: 'sweep-stopped' }] });
  expect(said.warnings![0]!.message).toContain('101 of 200 objects');
  expect((await sweep('POST', '/confirm', await farm.newKey('anna', 'operator'))).status).toBe(403);
  expect(await takeConfirmedCount(farm.records)).toBe(0);
  expect((await sweep('POST', '/confirm')).status).toBe(202);
  expect(await takeConfirmedCount(farm.records)).toBe(101);
  expect(await takeConfirmedCount(farm.records)).toBe(0);
});
