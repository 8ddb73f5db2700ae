import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeInputs } from '../testing/inputs.js';
import { call, plainSpec, submit } from '../testing/requests.js';
import { startTestFarm, storedKeys, type TestFarm } from '../testing/test-farm.js';

let farm: TestFarm;
beforeAll(async () => {
  farm = await startTestFarm();
});
afterAll(() => farm.close());

it('answers 503 with the reason while Redis does not know the farm, and continues when it does', async () => {
  const { redis } = farm.records;
  const { portrait, speech } = await makeInputs(farm.directory);
  const before: [key: string, value: Buffer][] = [];
  for (const key of await redis.keys('{farm}:*')) before.push([key, (await redis.dumpBuffer(key))!]);
  await redis.flushall();

  const requests = [
    ['GET', '/v1/ready'],
    ['GET', '/v1/keys/self'],
    ['GET', '/v1/jobs'],
    ['POST', '/v1/keys'],
    ['POST', '/v1/uploads'],
    ['PUT', '/v1/owners/anna/limits'],
  ] as const;
  for (const [method, path] of requests) {
    const { status, body } = await call(`${farm.url}${path}`, farm.key, { method });
    expect([path, status, body.code]).toEqual([path, 503, 'records-lost']);
    expect(body.detail).toContain('farm rebuild');
    // Where the servers are is nobody's business outside the farm.
    expect(body.detail).not.toContain('127.0.0.1');
  }
  const refused = await submit(farm, [
    ['spec', plainSpec],
    ['portrait', portrait],
    ['speech', speech],
  ]);
  expect(refused.status).toBe(503);
  expect(await storedKeys(farm.storage)).toEqual([]);
  expect(await redis.keys('*')).toEqual([]);
  expect((await call(`${farm.url}/v1/health`, '')).status).toBe(200);

  for (const [key, value] of before) await redis.restore(key, 0, value);
  expect((await call(`${farm.url}/v1/ready`, farm.key)).status).toBe(200);
  expect((await call(`${farm.url}/v1/keys/self`, farm.key)).status).toBe(200);
});
