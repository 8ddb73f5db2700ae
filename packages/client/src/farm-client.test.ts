import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobDetail, JobSpec } from '@farm/contracts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ApiError, ApiUnreachableError, DownloadCorruptError, UnexpectedResponseError } from './errors.js';
import { FarmClient } from './farm-client.js';
import { ContractServer, json, problem } from './testing/contract-server.js';

const spec: JobSpec = { prompt: 'A teacher explains' };
let server: ContractServer;
let directory: string;
let retries: string[];

beforeEach(async () => {
  server = await new ContractServer().start();
  directory = await mkdtemp(join(tmpdir(), 'farm-client-'));
  retries = [];
});
afterEach(async () => {
  await server.stop();
  await rm(directory, { recursive: true });
});

const client = (retryForMs = 5000) =>
  new FarmClient({ url: `${server.url}/`, key: 'secret', retryForMs, onRetry: (reason) => retries.push(reason) });

async function inputs() {
  const [portraitPath, speechPath] = [join(directory, 'portrait.jpg'), join(directory, 'talk "1".wav')];
  await writeFile(portraitPath, 'a portrait');
  await writeFile(speechPath, Buffer.alloc(3_000_000, 7));
  return { portraitPath, speechPath };
}

test('sends spec, portrait and speech, and reads the job', async () => {
  const job = await client().submitJob({ spec, ...(await inputs()) });
  expect(job.status).toBe('running');
  expect(server.jobs.get(job.id)?.inputs).toEqual({
    spec,
    portraitName: 'portrait.jpg',
    speechName: 'talk "1".wav',
    speechBytes: 3_000_000,
  });
});

test('the same idempotency key gives the same job, even when a response was lost', async () => {
  let lost = false;
  server.intercept = async (request, response) => {
    if (lost || request.method !== 'POST') return false;
    lost = true;
    for await (const _chunk of request);
    response.destroy();
    return true;
  };
  const submission = { spec, ...(await inputs()), idempotencyKey: 'lesson-1' };
  const first = await client().submitJob(submission);
  const second = await client().submitJob(submission);
  expect(second.id).toBe(first.id);
  expect(server.jobs.size).toBe(1);
  expect(retries).toHaveLength(1);
});

test('a problem document becomes an error with its code and sentence', async () => {
  await expect(client().getJob('none')).rejects.toThrow('There is no job none.');
  await expect(client().getJob('none')).rejects.toMatchObject({ code: 'job-not-found', status: 404 });
});

test('waits for an unavailable API and says why', async () => {
  let refusals = 0;
  server.intercept = (_request, response) => {
    if (refusals++ >= 2) return false;
    response.setHeader('retry-after', '0');
    problem(response, { status: 503, code: 'redis-unavailable', detail: 'The farm cannot reach its records now.' });
    return true;
  };
  server.add();
  await client().getJob('job1');
  expect(retries).toEqual(['The farm cannot reach its records now.', 'The farm cannot reach its records now.']);
});

test('gives up with the address and what to do', async () => {
  const { url } = server;
  await server.stop();
  const failure = await new FarmClient({ url, retryForMs: 300 }).listJobs().catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(ApiUnreachableError);
  expect((failure as Error).message).toMatch(/127\.0\.0\.1:\d+ cannot be reached \(connect ECONNREFUSED.*farm up/);
  server = await new ContractServer().start();
});

test('does not repeat a retry that may have arrived', async () => {
  server.add({ status: 'failed' });
  server.intercept = (request, response) => {
    if (request.method !== 'POST') return false;
    response.destroy();
    return true;
  };
  await expect(client().retryJob('job1')).rejects.toBeInstanceOf(ApiUnreachableError);
  expect(server.requests.filter((line) => line.startsWith('POST'))).toHaveLength(1);
});

test('says so when something other than a farm responds', async () => {
  server.intercept = (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>It works</h1>');
    return true;
  };
  await expect(client().listJobs()).rejects.toBeInstanceOf(UnexpectedResponseError);
  server.intercept = (_request, response) => {
    json(response, 200, { jobs: [{ id: 1 }] });
    return true;
  };
  await expect(client().listJobs()).rejects.toThrow(/GET http:.*does not understand/);
});

test('watches through a broken event stream and continues after the last event', async () => {
  server.add();
  const seen: JobDetail[] = [];
  const watching = (async () => {
    for await (const job of client().watchJob('job1')) seen.push(job);
  })();
  await expect.poll(() => server.lastEventIds.length).toBe(1);
  await sleep(50);
  server.cutEvents('job1');
  await expect.poll(() => server.lastEventIds.length, { timeout: 5000 }).toBe(2);
  server.change('job1', { status: 'succeeded' });
  await watching;
  expect(server.lastEventIds).toEqual([undefined, '1-0']);
  expect(seen.at(-1)?.status).toBe('succeeded');
  expect(seen.length).toBeLessThan(6);
});

test('stops watching immediately when aborted', async () => {
  server.add();
  const stop = new AbortController();
  const watching = (async () => {
    for await (const _job of client().watchJob('job1', stop.signal)) stop.abort();
  })();
  await expect(watching).rejects.toMatchObject({ name: 'AbortError' });
});

test('saves a complete video, resuming a download that broke off', async () => {
  const video = Buffer.alloc(400_000, 'frames ');
  server.add({ status: 'succeeded' }, video);
  const ranges: Array<string | undefined> = [];
  server.intercept = (request, response) => {
    if (!request.url?.endsWith('/video')) return false;
    ranges.push(request.headers.range);
    if (ranges.length > 1) return false;
    response.writeHead(200, { 'content-length': video.length });
    response.write(video.subarray(0, 100_000), () => setTimeout(() => response.destroy(), 50));
    return true;
  };
  const path = join(directory, 'deep/er/talk.mp4');
  expect(await client().downloadVideo('job1', path)).toBe(video.length);
  expect(await readFile(path)).toEqual(video);
  expect(ranges).toEqual([undefined, 'bytes=100000-']);
  expect(await readdir(join(directory, 'deep/er'))).toEqual(['talk.mp4']);
});

test('keeps nothing of a video whose hash is not the one in the manifest', async () => {
  server.add({ status: 'succeeded' });
  server.intercept = (request, response) => {
    if (!request.url?.endsWith('/video')) return false;
    response.end('another video');
    return true;
  };
  await expect(client().downloadVideo('job1', join(directory, 'a.mp4'))).rejects.toBeInstanceOf(DownloadCorruptError);
  expect(await readdir(directory)).toEqual([]);
});

test('says where a video cannot be saved, and why', async () => {
  server.add({ status: 'succeeded' });
  await writeFile(join(directory, 'a-file'), '');
  await expect(client().downloadVideo('job1', join(directory, 'a-file/talk.mp4'))).rejects.toThrow(
    /cannot be saved as .*a-file\/talk.mp4: (a part of the path is a file|EEXIST)/,
  );
});

test('a missing recording is reported as such and sends nothing', async () => {
  const { portraitPath } = await inputs();
  const speechPath = join(directory, 'gone.wav');
  const failure = await client()
    .submitJob({ spec, portraitPath, speechPath })
    .catch((error: unknown) => error);
  expect(failure).not.toBeInstanceOf(ApiError);
  expect(server.requests).toEqual([]);
});
