import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JobView, Problem } from '@farm/contracts';
import { freePort, obtainMinio, type RunningMinioServer, startMinio, toolchainContext } from '@farm/toolchain';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { makeInputs } from '../testing/inputs.js';
import { playJob } from '../testing/play-job.js';
import { call, type Parts, plainSpec, postJson, submit } from '../testing/requests.js';
import { startTestFarm, storedKeys, type TestFarm } from '../testing/test-farm.js';

const found = await obtainMinio(toolchainContext());
const missing = 'reason' in found ? found.reason : undefined;
if (missing !== undefined) console.error(`SKIPPED: the API on S3 is not tested, there is no MinIO server. ${missing}`);

test.runIf(missing !== undefined && process.env.FARM_REQUIRE_MINIO === '1')('there is a MinIO server', () => {
  expect.fail(`FARM_REQUIRE_MINIO=1, and there is none: ${missing}`);
});

describe.skipIf(missing !== undefined)('the API on MinIO', () => {
  let directory: string;
  let minio: RunningMinioServer;
  let farm: TestFarm;
  let parts: Parts;
  const video = Buffer.alloc(200_000, 9);

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'farm-api-minio-'));
    const secrets = { accessKey: 'farm-access', secretKey: 'farm-secret-key' };
    minio = await startMinio({ directory, port: await freePort(), ...secrets });
    farm = await startTestFarm({
      environment: {
        FARM_STORAGE: 's3',
        S3_ENDPOINT: minio.url,
        // Another name of the same server, as a person outside would use.
        S3_PUBLIC_ENDPOINT: minio.url.replace('127.0.0.1', 'localhost'),
        S3_BUCKET: 'farm',
        S3_ACCESS_KEY_ID: secrets.accessKey,
        S3_SECRET_ACCESS_KEY: secrets.secretKey,
      },
    });
    const { portrait, speech } = await makeInputs(farm.directory);
    parts = [
      ['spec', plainSpec],
      ['portrait', portrait, 'p.png'],
      ['speech', speech, 's.wav'],
    ];
  });
  afterAll(async () => {
    await farm?.close();
    await minio?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  it('accepts a job, serves its video in ranges, and signs URLs for both audiences', async () => {
    const { status, body } = await submit(farm, parts);
    expect(status).toBe(201);
    await playJob(farm, video);
    const range = await fetch(`${farm.url}/v1/jobs/${body.id}/video`, {
      headers: { authorization: `Bearer ${farm.key}`, range: 'bytes=10-19' },
    });
    expect([range.status, (await range.arrayBuffer()).byteLength]).toEqual([206, 10]);
    for (const [audience, host] of [
      ['public', 'localhost'],
      ['internal', '127.0.0.1'],
    ] as const) {
      const path = `/v1/jobs/${body.id}/signed-urls?audience=${audience}`;
      const { urls } = (await call<{ urls: Record<string, string> }>(farm.url + path, farm.key)).body;
      expect(new URL(urls.video!).hostname).toBe(host);
      const fetched = await fetch(urls.video!);
      expect(Buffer.from(await fetched.arrayBuffer()).equals(video)).toBe(true);
      expect(fetched.headers.get('content-disposition')).toContain(`${body.id}.mp4`);
    }
  });

  it('accepts files that were PUT to the storage itself', async () => {
    const ids: string[] = [];
    for (const [, bytes, fileName] of parts.slice(1)) {
      const upload = await call<{ id: string; url: string }>(
        `${farm.url}/v1/uploads`,
        farm.key,
        postJson({ fileName }),
      );
      expect(new URL(upload.body.url).hostname).toBe('localhost');
      expect((await fetch(upload.body.url, { method: 'PUT', body: bytes as Blob })).status).toBe(200);
      ids.push(upload.body.id);
    }
    const body = { spec: plainSpec, portrait: ids[0], speech: ids[1] };
    expect((await call<JobView>(`${farm.url}/v1/jobs`, farm.key, postJson(body))).status).toBe(201);
    const bad = await call(`${farm.url}/v1/jobs`, farm.key, postJson({ ...body, portrait: ids[1] }));
    expect(bad.body).toMatchObject({ status: 422, code: 'portrait-unreadable' });
  });

  it('keeps nothing of what it refuses, and nothing half-made when the storage dies', async () => {
    const before = await storedKeys(farm.storage);
    const refused = await submit<Problem>(farm, [parts[0]!, parts[1]!, ['speech', new Blob(['no sound'])]]);
    expect(refused.body.code).toBe('speech-unreadable');
    expect(await storedKeys(farm.storage)).toEqual(before);
    const { jobs } = (await call<{ jobs: JobView[] }>(`${farm.url}/v1/jobs`, farm.key)).body;
    await minio.stop();
    const { body, headers } = await submit<Problem>(farm, parts);
    expect(body).toMatchObject({ status: 503, code: 'storage-unavailable' });
    expect(headers.get('retry-after')).not.toBeNull();
    expect((await call<{ jobs: JobView[] }>(`${farm.url}/v1/jobs`, farm.key)).body.jobs).toEqual(jobs);
  });
});
