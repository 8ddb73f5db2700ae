import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { JobView, Problem } from '@farm/contracts';
import { getJob } from '@farm/records';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeInputs } from '../testing/inputs.js';
import { playJob } from '../testing/play-job.js';
import { call, plainSpec, submit } from '../testing/requests.js';
import { startTestFarm, storedKeys, type TestFarm } from '../testing/test-farm.js';
import { type FuzzRequest, operationsOf, type Pools, requestArbitrary } from './request-arbitrary.js';

/**
 * The short run always sends the same requests, so that it says something about the change and not about luck.
 * `FARM_FUZZ_REQUESTS=10000 npx vitest run apps/api/src/fuzz` looks for new ones; `FARM_FUZZ_SEED` repeats such a run.
 */
const requests = Number(process.env.FARM_FUZZ_REQUESTS ?? 400);
const chosenSeed = process.env.FARM_FUZZ_SEED ?? (process.env.FARM_FUZZ_REQUESTS ? undefined : '3');
const seed = chosenSeed ? { seed: Number(chosenSeed) } : {};

let farm: TestFarm;
let pools: Pools;
const ids: string[] = [];

beforeAll(async () => {
  farm = await startTestFarm({ limits: { requestsPerMinute: 1e9, unendedJobs: 1e6 } });
  const { portrait, speech } = await makeInputs(farm.directory);
  pools = { ids: () => ids, files: [portrait, speech, new Blob([]), new Blob([Buffer.alloc(100_000, 7)])] };
  for (let count = 0; count < 3; count += 1) {
    const { body } = await submit(farm, [
      ['spec', plainSpec],
      ['portrait', portrait],
      ['speech', speech],
    ]);
    ids.push(body.id);
    if (count === 0) await playJob(farm, Buffer.from('a video'));
  }
});
afterAll(() => farm.close());

interface Seen {
  status: number;
  contentType: string;
  allow: string[];
  body: string;
}

async function send({ method, url, headers, body }: FuzzRequest): Promise<Seen> {
  const init = { method, headers, redirect: 'manual' as const, ...(body !== undefined && { body }) };
  const response = await fetch(farm.url + url, init);
  const contentType = response.headers.get('content-type') ?? '';
  const allow = response.headers.get('allow')?.split(', ') ?? [];
  const seen = { status: response.status, contentType, allow };
  if (!contentType.includes('event-stream')) return { ...seen, body: await response.text() };
  await response.body?.cancel();
  return { ...seen, body: '' };
}

function judge(request: FuzzRequest, { status, contentType, allow, body }: Seen): void {
  const { operation, method } = request;
  const exchange = `${method} ${request.url.slice(0, 300)} answered ${status}: ${body.slice(0, 500)}`;
  expect(status, `${exchange}\n${farm.log.at(-1)}`).toBeLessThan(500);
  // An odd value may change the path.
  const isElsewhere = [404, 405, 431].includes(status);
  if (!isElsewhere) {
    expect(method, exchange).toBe(operation.method);
    expect(operation.statuses, exchange).toContain(status);
  }
  expect(allow.length > 0 && !allow.includes(method), exchange).toBe(status === 405);
  if (status < 400) return;
  expect(contentType, exchange).toContain('application/problem+json');
  const problem = JSON.parse(body) as Problem;
  expect(problem.status, exchange).toBe(status);
  expect(problem.code, exchange).toMatch(/^[a-z][a-z-]+$/);
  expect(problem.detail.length, exchange).toBeGreaterThan(8);
  expect(body, exchange).not.toMatch(/node_modules|\n\s+at |ECONN|farm-api-test/);
}

describe('requests made from the OpenAPI document', () => {
  it(`find no 5xx, no undocumented response and no leak in ${requests}`, {
    timeout: 60_000 + requests * 60,
  }, async () => {
    const document = await (await fetch(`${farm.url}/openapi.json`)).json();
    const operations = operationsOf(document as Parameters<typeof operationsOf>[0]);
    const statuses = new Map<number, number>();
    const answered = new Set<string>();
    await fc.assert(
      fc.asyncProperty(requestArbitrary(operations, farm.key, pools), async (request) => {
        const seen = await send(request);
        statuses.set(seen.status, (statuses.get(seen.status) ?? 0) + 1);
        if (seen.status < 300) answered.add(`${request.operation.method} ${request.operation.path}`);
        if (seen.status === 201 && request.operation.path === '/v1/jobs')
          ids.push((JSON.parse(seen.body) as JobView).id);
        judge(request, seen);
      }),
      { numRuns: requests, ...seed },
    );
    console.log(
      `${requests} requests: ${JSON.stringify(Object.fromEntries([...statuses].sort()))}; ${answered.size} of ${operations.length} operations reached`,
    );
    expect(answered.size).toBeGreaterThan(requests >= 400 ? operations.length / 2 : 0);
    expect(farm.log.filter((line) => line.includes('"request failed"'))).toEqual([]);
    await expectNoLeak();
  });
});

async function expectNoLeak(): Promise<void> {
  const known = new Set<string>();
  for (const key of await storedKeys(farm.storage, 'jobs/')) known.add(key.split('/')[1]!);
  for (const id of known)
    if (!ids.includes(id)) expect(await getJob(farm.records, id), `objects of ${id} without a job`).toBeDefined();
  expect(await readdir(join(farm.directory, 'storage', 'temporary'))).toEqual([]);
  expect((await readdir(farm.directory)).filter((name) => name.startsWith('farm-judge-'))).toEqual([]);
  expect((await call<{ status: string }>(`${farm.url}/v1/ready`, farm.key)).body).toEqual({ status: 'ready' });
  const clients = String(await farm.records.redis.client('LIST'));
  expect(clients.trim().split('\n').length).toBeLessThan(6);
}
