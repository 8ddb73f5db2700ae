import { METHODS } from 'node:http';
import type { Problem } from '@farm/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call } from '../testing/requests.js';
import { startTestFarm, type TestFarm } from '../testing/test-farm.js';

let farm: TestFarm;
/** The methods of every documented path, made concrete. */
let documented: [path: string, methods: string[]][];

beforeAll(async () => {
  farm = await startTestFarm();
  const { paths } = (await (await fetch(`${farm.url}/openapi.json`)).json()) as { paths: Record<string, object> };
  documented = Object.entries(paths).map(([path, operations]) => {
    const methods = Object.keys(operations).map((method) => method.toUpperCase());
    // HEAD of a stream would never end.
    const hasHead = methods.includes('GET') && !path.endsWith('/events');
    return [path.replaceAll(/\{\w+\}/g, 'some-id'), [...methods, ...(hasHead ? ['HEAD'] : [])].sort()];
  });
});
afterAll(() => farm.close());

const bodyless = ['GET', 'HEAD'];
const tried = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

async function expectRefused(path: string, method: string, allowed: string[]): Promise<void> {
  const init = bodyless.includes(method) ? {} : { body: 'not even JSON', headers: { 'content-type': 'text/plain' } };
  const { status, headers, body } = await call<Problem>(farm.url + path, farm.key, { method, ...init });
  const request = `${method} ${path}`;
  expect([status, headers.get('allow')], request).toEqual([405, allowed.join(', ')]);
  expect(headers.get('content-type'), request).toContain('application/problem+json');
  if (method === 'HEAD') return;
  expect(body, request).toMatchObject({ status: 405, code: 'method-not-allowed', allowedMethods: allowed });
  expect(body.detail, request).toContain(`does not accept ${method}, only ${allowed.join(' and ')}`);
}

it('a path is the same with a slash at its end', async () => {
  const answers = await Promise.all(
    ['/v1/jobs', '/v1/jobs/', '/jobs/?limit=5'].map((path) => call(`${farm.url}${path}`, farm.key)),
  );
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(answers[1]!.body).toEqual(answers[0]!.body);
});

describe('a known path with another method', () => {
  it('is refused with the methods that the path accepts, with and without /v1, for every documented path', async () => {
    expect(documented.length).toBeGreaterThan(20);
    for (const [path, allowed] of documented) {
      // Keys have ids that look like names.
      if (path === '/v1/keys/self') continue;
      for (const method of tried.filter((candidate) => !allowed.includes(candidate)))
        for (const prefix of ['/v1/', '/']) await expectRefused(path.replace('/v1/', prefix), method, allowed);
    }
  });

  it.each([
    ['/', ['GET', 'HEAD']],
    ['/metrics', ['GET', 'HEAD']],
    ['/openapi.json', ['GET', 'HEAD']],
    ['/docs', ['GET', 'HEAD']],
    ['/v1/objects/jobs/x/output/video.mp4', ['GET', 'HEAD', 'PUT']],
    ['/objects/jobs/x', ['GET', 'HEAD', 'PUT']],
    ['/v1/workers/', ['GET', 'HEAD']],
    ['/v1/keys/self', ['DELETE', 'GET', 'HEAD']],
  ])('is refused at %s', async (path, allowed) => {
    for (const method of ['POST', 'PATCH']) await expectRefused(`${path}?a=b`, method, allowed);
  });

  it('is refused without a key, since nothing that /docs lists is secret', async () => {
    const answer = await fetch(`${farm.url}/v1/jobs`, { method: 'PUT' });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST']);
  });

  it('is refused for every HTTP method', async () => {
    const others = METHODS.filter((method) => ![...tried, 'CONNECT', 'TRACE'].includes(method));
    expect(others.length).toBeGreaterThan(10);
    for (const method of others) await expectRefused('/v1/jobs', method, ['GET', 'HEAD', 'POST']);
  });
});

describe('an unknown path', () => {
  it.each(['/v1', '/v1/', '/v1/job', '/v1/jobs/a/b', '/v2/jobs', '/v1/openapi.json', '/docs/none.css'])(
    '%s is not found by any method',
    async (path) => {
      for (const method of tried) {
        const { status, headers, body } = await call<Problem>(farm.url + path, farm.key, { method });
        expect([status, headers.get('allow')], `${method} ${path}`).toEqual([404, null]);
        if (method !== 'HEAD') expect(body.code).toBe('route-not-found');
      }
    },
  );

  it('is not found whatever its body is', async () => {
    const { body } = await call<Problem>(`${farm.url}/v1/nothing`, farm.key, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"broken',
    });
    expect(body).toMatchObject({ status: 404, code: 'route-not-found' });
  });
});

it('the files of a path that exists are found as before', async () => {
  const page = await fetch(`${farm.url}/docs/static/index.html`);
  expect(page.status, farm.log.at(-1)).toBe(200);
  expect((await call(`${farm.url}/v1/jobs/none`, farm.key)).body).toMatchObject({ code: 'job-not-found' });
});
