import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { toolchainContext } from './context.js';
import { startMinio } from './minio-server.js';
import { obtainMinio } from './obtain-minio.js';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'farm-minio-'));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

test('a private MinIO server answers S3 requests until it is stopped', async (test) => {
  const minio = await obtainMinio(toolchainContext());
  if ('reason' in minio) {
    console.error(`SKIPPED: no MinIO server. ${minio.reason}`);
    test.skip(process.env.FARM_REQUIRE_MINIO !== '1', minio.reason);
    throw new Error(minio.reason);
  }
  const server = await startMinio({ directory });
  const response = await fetch(server.url);
  expect(response.status).toBe(403);
  expect(await response.text()).toContain('AccessDenied');
  await server.stop();
  await expect(fetch(server.url)).rejects.toThrow();
});
