import type { Problem } from '@farm/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call, postJson } from '../testing/requests.js';
import { startTestFarm, type TestFarm } from '../testing/test-farm.js';

let farm: TestFarm;
beforeAll(async () => {
  farm = await startTestFarm();
});
afterAll(() => farm.close());

interface NewKey {
  id: string;
  owner: string;
  role: string;
  secret: string;
}
const make = (owner: string, role: string) => call<NewKey>(`${farm.url}/v1/keys`, farm.key, postJson({ owner, role }));
const self = (key: string) => call<NewKey & Problem>(`${farm.url}/v1/keys/self`, key);

describe('keys', () => {
  it('are made, shown once, listed, and stop working everywhere when revoked', async () => {
    const other = await farm.startReplica();
    const { status, body } = await make('anna', 'submit');
    expect(status).toBe(201);
    expect((await self(body.secret)).body).toMatchObject({ owner: 'anna', role: 'submit' });
    const listed = await call<{ keys: object[] }>(`${farm.url}/v1/keys?owner=anna`, farm.key);
    expect(listed.body.keys).toEqual([{ id: body.id, owner: 'anna', role: 'submit', createdAt: expect.any(String) }]);
    const stored = await farm.records.redis.keys('*');
    expect(stored.join(' ')).not.toContain(body.secret);
    expect((await call(`${farm.url}/v1/keys/${body.id}`, farm.key, { method: 'DELETE' })).status).toBe(204);
    for (const url of [farm.url, other.url]) {
      const { status: after, body: problem } = await call(`${url}/v1/keys/self`, body.secret);
      expect([after, problem.code]).toEqual([401, 'key-unknown']);
    }
    expect((await call(`${farm.url}/v1/keys/${body.id}`, farm.key, { method: 'DELETE' })).status).toBe(404);
  });

  it('are rotated with a grace period, or immediately', async () => {
    const { body: old } = await make('ben', 'operator');
    const rotate = (graceSeconds: number) =>
      call<NewKey>(`${farm.url}/v1/keys/${old.id}/rotate`, farm.key, postJson({ graceSeconds }));
    const { body: next } = await rotate(60);
    expect(next).toMatchObject({ owner: 'ben', role: 'operator' });
    expect([(await self(old.secret)).status, (await self(next.secret)).status]).toEqual([200, 200]);
    await rotate(0);
    expect([(await self(old.secret)).status, (await self(next.secret)).status]).toEqual([401, 200]);
    expect((await rotate(0)).status).toBe(404);
  });

  it('allow what their role allows and no more', async () => {
    const [submitter, operator] = [await farm.newKey('s'), await farm.newKey('o', 'operator')];
    const statusOf = async (path: string, key: string, init?: RequestInit) =>
      (await call(`${farm.url}${path}`, key, init)).status;
    const drain = { method: 'POST' };
    expect(await statusOf('/v1/workers', submitter)).toBe(200);
    expect(await statusOf('/v1/workers/w/drain', submitter, drain)).toBe(403);
    expect(await statusOf('/v1/workers/w/drain', operator, drain)).toBe(404);
    for (const key of [submitter, operator]) {
      expect(await statusOf('/v1/keys', key)).toBe(403);
      expect(await statusOf('/v1/keys', key, postJson({ owner: 'x', role: 'admin' }))).toBe(403);
      expect(await statusOf('/v1/owners/o/limits', key)).toBe(403);
    }
  });

  it('are required by name when missing, and never read from elsewhere', async () => {
    const missing = await fetch(`${farm.url}/v1/jobs?key=${farm.key}`);
    expect([missing.status, missing.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="farm"']);
    for (const authorization of [
      '',
      'Bearer',
      'Bearer ',
      `Basic ${farm.key}`,
      `Bearer ${'x'.repeat(5000)}`,
      'Bearer a b',
    ])
      expect((await fetch(`${farm.url}/v1/jobs`, { headers: { authorization } })).status).toBe(401);
  });

  it('keep one administrator', async () => {
    const { keys } = (await call<{ keys: NewKey[] }>(`${farm.url}/v1/keys`, farm.key)).body;
    const admins = keys.filter(({ role }) => role === 'admin');
    expect(admins).toHaveLength(1);
    const revoked = await call(`${farm.url}/v1/keys/${admins[0]!.id}`, farm.key, { method: 'DELETE' });
    expect(revoked.body).toMatchObject({ status: 409, code: 'last-admin-key' });
  });

  it('keep one of two administrators who revoke each other in the same moment', async () => {
    const lone = await startTestFarm();
    try {
      const whoAmI = async (key: string) => (await call<NewKey>(`${lone.url}/v1/keys/self`, key)).body.id;
      const revoke = (id: string, key: string) => call(`${lone.url}/v1/keys/${id}`, key, { method: 'DELETE' });
      let keys = [lone.key, await lone.newKey('other', 'admin')];
      for (let round = 0; round < 5; round++) {
        const ids = await Promise.all(keys.map(whoAmI));
        const answers = await Promise.all([revoke(ids[1]!, keys[0]!), revoke(ids[0]!, keys[1]!)]);
        expect(answers.filter(({ status }) => status === 204)).toHaveLength(1);
        const survivor = keys[answers[0].status === 204 ? 0 : 1]!;
        keys = [survivor, await lone.newKey('other', 'admin')];
      }
    } finally {
      await lone.close();
    }
  });

  it('keep an administrator who outlasts a rotation', async () => {
    const lone = await startTestFarm();
    try {
      const keysOf = async (key: string) => (await call<{ keys: NewKey[] }>(`${lone.url}/v1/keys`, key)).body.keys;
      const [first] = await keysOf(lone.key);
      const rotate = `${lone.url}/v1/keys/${first!.id}/rotate`;
      const { body: next } = await call<NewKey>(rotate, lone.key, postJson({ graceSeconds: 3600 }));
      const revoke = (id: string) => call(`${lone.url}/v1/keys/${id}`, next.secret, { method: 'DELETE' });
      // The rotated key would be the only one left, and end in an hour.
      expect((await revoke(next.id)).body).toMatchObject({ status: 409, code: 'last-admin-key' });
      const [ending, lasting] = (await keysOf(next.secret)) as (NewKey & { expiresAt?: string })[];
      expect(Math.abs(Date.parse(ending!.expiresAt!) - Date.now() - 3_600_000)).toBeLessThan(60_000);
      expect(lasting!.expiresAt).toBeUndefined();
      expect((await revoke(first!.id)).status).toBe(204);
    } finally {
      await lone.close();
    }
  });

  it.each([
    [{ owner: '*', role: 'submit' }],
    [{ owner: '../x', role: 'submit' }],
    [{ owner: 'x', role: 'root' }],
    [{ owner: 'x' }],
    [{ owner: 'x', role: 'submit', id: 'mine' }],
    [[]],
  ])('are not made for %j', async (body) => {
    expect((await call(`${farm.url}/v1/keys`, farm.key, postJson(body))).body).toMatchObject({
      status: 400,
      code: 'invalid-request',
    });
  });
});
