import { once } from 'node:events';
import { readdir, rename } from 'node:fs/promises';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { type JobView, objectKeys, type Problem } from '@farm/contracts';
import { listJobs } from '@farm/records';
import { DiskFullError, type ObjectStorage } from '@farm/storage';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { makeInputs } from '../testing/inputs.js';
import { asBearer, call, formOf, type Parts, plainSpec, submit } from '../testing/requests.js';
import { startTestFarm, storedKeys, type TestFarm, type TestReplica } from '../testing/test-farm.js';

let farm: TestFarm;
let parts: Parts;

beforeAll(async () => {
  farm = await startTestFarm({ limits: { uploadStallSeconds: 1, maximumUploadBytes: 20_000_000 } });
  const { portrait, speech } = await makeInputs(farm.directory);
  parts = [
    ['spec', plainSpec],
    ['portrait', portrait],
    ['speech', speech],
  ];
});
afterAll(() => farm.close());

/** Objects, half-written objects, judging folders and jobs. */
async function traces(): Promise<string[]> {
  const { jobs } = (await call<{ jobs: JobView[] }>(`${farm.url}/v1/jobs?limit=200`, farm.key)).body;
  const names = await readdir(farm.directory);
  return [
    ...(await storedKeys(farm.storage)),
    ...(await readdir(join(farm.directory, 'storage', 'temporary'))),
    ...names.filter((name) => name.startsWith('farm-judge-')),
    ...jobs.map(({ id }) => id),
  ];
}

/** A request whose body the test writes piece by piece. */
async function openUpload(
  to: { url: string } = farm,
): Promise<{ upload: ClientRequest; body: Buffer; answer: Promise<IncomingMessage> }> {
  const form = new Response(formOf(parts));
  const body = Buffer.from(await form.arrayBuffer());
  const headers = {
    ...asBearer(farm.key),
    'content-type': form.headers.get('content-type')!,
    'content-length': body.length,
  };
  const upload = request(`${to.url}/v1/jobs`, { method: 'POST', headers });
  const answer = once(upload, 'response').then(([response]) => response as IncomingMessage);
  answer.catch(() => {});
  upload.on('error', () => {});
  return { upload, body, answer };
}

const problemFrom = async (answer: IncomingMessage) => JSON.parse(await text(answer)) as Problem;
const write = (upload: ClientRequest, bytes: Buffer) =>
  new Promise<void>((resolve) => upload.write(bytes, () => resolve()));

async function freezeRedis<Result>(during: () => Promise<Result>): Promise<Result> {
  process.kill(farm.redisServer.pid, 'SIGSTOP');
  try {
    return await during();
  } finally {
    process.kill(farm.redisServer.pid, 'SIGCONT');
    await vi.waitFor(async () => expect((await call(`${farm.url}/v1/ready`, farm.key)).status).toBe(200), 10_000);
  }
}

describe('a submit leaves nothing behind', () => {
  it.each([0.1, 0.5, 0.95])('when the client disconnects after %d of its body', async (share) => {
    const before = await traces();
    const { upload, body } = await openUpload();
    await write(upload, body.subarray(0, body.length * share));
    await sleep(200);
    upload.destroy();
    await vi.waitFor(async () => expect(await traces()).toEqual(before), 5000);
  });

  it('when the body stalls, and says so', async () => {
    const before = await traces();
    const { upload, body, answer } = await openUpload();
    await write(upload, body.subarray(0, body.length - 200));
    const drip = setInterval(() => upload.write(Buffer.from([0])), 100);
    const problem = await problemFrom(await answer);
    clearInterval(drip);
    expect(problem).toMatchObject({ status: 408, code: 'upload-stalled' });
    upload.destroy();
    await vi.waitFor(async () => expect(await traces()).toEqual(before), 5000);
  });

  it('when Redis becomes unavailable before, or in the middle of, the upload', async () => {
    const before = await traces();
    const early = await freezeRedis(() => submit<Problem>(farm, parts));
    expect(early.body).toMatchObject({ status: 503, code: 'redis-unavailable' });
    expect(Number(early.headers.get('retry-after'))).toBeGreaterThan(0);

    const { upload, body, answer } = await openUpload();
    await write(upload, body.subarray(0, body.length / 2));
    await sleep(300);
    const late = await freezeRedis(async () => {
      upload.end(body.subarray(body.length / 2));
      return await problemFrom(await answer);
    });
    expect(late).toMatchObject({ status: 503, code: 'redis-unavailable' });
    expect(await traces()).toEqual(before);
    expect((await submit(farm, parts)).status).toBe(201);
  });

  it('when Redis is nearly full', async () => {
    const before = await traces();
    const { redis } = farm.records;
    await redis.config('SET', 'maxmemory', '1mb');
    const { body, headers } = await submit<Problem>(farm, parts);
    await redis.config('SET', 'maxmemory', '0');
    expect(body).toMatchObject({ status: 503, code: 'farm-full' });
    expect(headers.get('retry-after')).not.toBeNull();
    expect(await traces()).toEqual(before);
  });

  it('when the storage becomes unavailable', async () => {
    const before = await traces();
    const folder = join(farm.directory, 'storage', 'temporary');
    await rename(folder, `${folder}-away`);
    const { body } = await submit<Problem>(farm, parts);
    const ready = await call(`${farm.url}/v1/ready`, farm.key);
    await rename(`${folder}-away`, folder);
    expect(body).toMatchObject({ status: 503, code: 'storage-unavailable' });
    expect(body.detail).not.toContain(farm.directory);
    expect(ready.body).toMatchObject({ status: 503, code: 'not-ready', away: ['storage'] });
    expect(await traces()).toEqual(before);
  });

  it('when the disk is full', async () => {
    const before = await traces();
    const full: TestReplica = await farm.startReplica({ wrapStorage: withFullDisk });
    const { body } = await submit<Problem>({ url: full.url, key: farm.key }, parts);
    expect(body).toMatchObject({ status: 507, code: 'storage-full' });
    expect(await traces()).toEqual(before);
  });

  it.each(['portrait', 'speech'] as const)('when the sweep overtakes it and takes its %s', async (part) => {
    const before = await traces();
    const swept: TestReplica = await farm.startReplica({ wrapStorage: (storage) => withSweep(storage, part) });
    const { body } = await submit<Problem>({ url: swept.url, key: farm.key }, parts);
    expect(body).toMatchObject({ status: 409, code: 'input-swept', field: part });
    expect(body.detail).toContain('Submit the job again');
    expect(await traces()).toEqual(before);
  });

  it('when it is refused early, though the client keeps sending', async () => {
    const before = await traces();
    const flood = new Blob([Buffer.alloc(15_000_000, 1)]);
    const refused = await submit<Problem>(farm, [
      ['spec', { prompt: 1 }],
      ['portrait', flood],
      ['speech', flood],
    ]);
    expect(refused.body).toMatchObject({ status: 422, code: 'invalid-prompt' });
    expect(await traces()).toEqual(before);
  });
});

describe('a submit whose job was recorded, though the reply was lost,', () => {
  it.each(['Connection is closed.', 'Something that nobody expected'])('keeps its inputs: %s', async (message) => {
    const { redis } = farm.records;
    const call = async (run: 'eval' | 'evalsha', args: unknown[]) => {
      const reply = await (redis[run] as (...args: unknown[]) => Promise<unknown>).apply(redis, args);
      if (args.some((given) => String(given).includes('/input/'))) throw new Error(message);
      return reply;
    };
    const losing = Object.assign(Object.create(redis), {
      eval: (...args: unknown[]) => call('eval', args),
      evalsha: (...args: unknown[]) => call('evalsha', args),
    }) as typeof redis;
    const before = new Set(await storedKeys(farm.storage));
    farm.records.redis = losing;
    const { status } = await submit<Problem>(farm, parts).finally(() => {
      farm.records.redis = redis;
    });
    expect(status).toBeGreaterThanOrEqual(500);
    const [job] = (await listJobs(farm.records, { limit: 1 })).jobs;
    const kept = (await storedKeys(farm.storage)).filter((key) => !before.has(key)).sort();
    expect(kept).toEqual([objectKeys.jobFile(job!.id), job!.portrait.key, job!.speech.key].sort());
  });
});
/** As soon as both files of a submit are stored, one of them is deleted. */
function withSweep(storage: ObjectStorage, part: 'portrait' | 'speech'): ObjectStorage {
  const stored: string[] = [];
  return new Proxy(storage, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      if (name !== 'put') return member.bind(target);
      return async (...call: Parameters<ObjectStorage['put']>) => {
        const info = await target.put(...call);
        stored.push(call[0]);
        if (stored.length === 2) await target.delete(stored.filter((key) => key.includes(`/input/${part}`)));
        return info;
      };
    },
  });
}

/** The second file of a submit finds no room. */
function withFullDisk(storage: ObjectStorage): ObjectStorage {
  return new Proxy(storage, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      if (name !== 'put') return member.bind(target);
      return async (
        key: string,
        ...rest: Parameters<ObjectStorage['put']> extends [string, ...infer Rest] ? Rest : never
      ) => {
        if (!key.includes('/input/speech')) return await target.put(key, ...rest);
        throw new DiskFullError({ directory: '/farm', errno: 'ENOSPC', cause: undefined });
      };
    },
  });
}

describe('other requests', () => {
  it('say that Redis is unavailable, while the process keeps running', async () => {
    await freezeRedis(async () => {
      expect((await call(`${farm.url}/v1/health`, farm.key)).status).toBe(200);
      expect((await call(`${farm.url}/v1/jobs`, farm.key)).body).toMatchObject({
        status: 503,
        code: 'redis-unavailable',
      });
      expect((await call(`${farm.url}/v1/ready`, farm.key)).body).toMatchObject({ status: 503, away: ['redis'] });
      expect((await call(`${farm.url}/metrics`, farm.key)).status).toBe(503);
    });
  });

  it('are given up when their JSON never ends', async () => {
    const headers = { ...asBearer(farm.key), 'content-type': 'application/json', 'content-length': 1000 };
    const slow = request(`${farm.url}/v1/plan`, { method: 'POST', headers });
    slow.on('error', () => {});
    slow.write('{"spec":');
    const [answer] = (await once(slow, 'response')) as [IncomingMessage];
    expect(await problemFrom(answer)).toMatchObject({ status: 408, code: 'upload-stalled' });
    slow.destroy();
  });
});
