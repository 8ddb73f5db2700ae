import type { Problem } from '@farm/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asBearer, call, postJson } from '../testing/requests.js';
import { startTestFarm, type TestFarm } from '../testing/test-farm.js';

let farm: TestFarm;
beforeAll(async () => {
  farm = await startTestFarm();
});
afterAll(() => farm.close());

describe('rate limits', () => {
  it('are counted per owner over all replicas and named in the 429', async () => {
    const other = await farm.startReplica();
    const [first, second] = [await farm.newKey('hasty'), await farm.newKey('hasty')];
    const limits = { ...postJson({ requestsPerMinute: 4 }), method: 'PUT' };
    expect((await call(`${farm.url}/v1/owners/hasty/limits`, farm.key, limits)).body).toMatchObject({
      requestsPerMinute: 4,
    });
    const statuses: number[] = [];
    for (const [url, key] of [
      [farm.url, first],
      [other.url, second],
      [farm.url, second],
      [other.url, first],
    ] as const)
      statuses.push((await call(`${url}/v1/jobs`, key)).status);
    expect(statuses).toEqual([200, 200, 200, 200]);
    const { status, headers, body } = await call(`${other.url}/v1/jobs`, second);
    expect(status).toBe(429);
    expect(body).toMatchObject({ code: 'rate-limited', limit: 'requestsPerMinute', maximum: 4 });
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await call(`${farm.url}/v1/jobs`, farm.key)).status).toBe(200);
  });
});

describe('refused keys', () => {
  const limit = 3;
  const hammer = (url: string, headers: Record<string, string>, path = '/v1/jobs') => fetch(url + path, { headers });

  it('are limited by address, which a valid key from there does not feel', async () => {
    const { url } = await farm.startReplica({ limits: { refusedKeysPerMinute: limit } });
    const submitter = await farm.newKey('steady');
    const refused: Record<string, string>[] = [asBearer('farm_unknown'), {}, asBearer('nonsense'), asBearer('other')];
    for (const headers of refused.slice(0, limit)) {
      expect((await hammer(url, headers)).status).toBe(401);
      expect((await call(`${url}/v1/jobs`, submitter)).status).toBe(200);
    }
    for (const headers of refused) {
      const answer = await hammer(url, headers);
      const seconds = Number(answer.headers.get('retry-after'));
      expect([answer.status, seconds > 0 && seconds <= 60]).toEqual([429, true]);
      const body = (await answer.json()) as Problem;
      expect(body).toMatchObject({ code: 'rate-limited', limit: 'refusedKeysPerMinute', maximum: limit });
      expect(body.detail).toContain(`127.0.0.1 sent more than ${limit} requests in a minute`);
    }
    expect((await call(`${url}/v1/keys`, submitter)).status).toBe(429);
    for (let count = 0; count < 10; count += 1) expect((await call(`${url}/v1/jobs`, submitter)).status).toBe(200);
    expect((await fetch(`${url}/v1/health`)).status).toBe(200);
  });

  it('and open paths make Redis write nothing, and read nothing where no key came', async () => {
    const { url } = await farm.startReplica({ limits: { refusedKeysPerMinute: limit } });
    const commands = async () => {
      const stats = await farm.records.redis.info('commandstats');
      const named = [...stats.matchAll(/cmdstat_(\w+):calls=(\d+)/g)].map(([, name, calls]) => [name!, Number(calls)]);
      return Object.fromEntries(named) as Record<string, number>;
    };
    // What the farm's replicas do by themselves meanwhile is not about the requests.
    const counted = ['get', 'set', 'incr', 'pexpire', 'eval', 'evalsha', 'hset', 'hgetall', 'hget'];
    const sent = async (headers: () => Record<string, string>, path?: string) => {
      const before = await commands();
      for (let count = 0; count < 40; count += 1) await hammer(url, headers(), path);
      const after = await commands();
      return Object.fromEntries(
        counted.map((name) => [name, (after[name] ?? 0) - (before[name] ?? 0)]).filter(([, more]) => more !== 0),
      );
    };
    const keys = await farm.records.redis.dbsize();
    expect(await sent(() => ({}))).toEqual({});
    // The key, and whether a Redis that does not know it still knows the farm.
    expect(await sent(() => asBearer(`farm_${Math.random()}`))).toEqual({ get: 80 });
    for (const path of ['/docs', '/docs/static/index.html', '/openapi.json', '/v1/health', '/v1/nothing'])
      expect(await sent(() => ({}), path), path).toEqual({});
    expect(await farm.records.redis.dbsize()).toBe(keys);
  });
});
