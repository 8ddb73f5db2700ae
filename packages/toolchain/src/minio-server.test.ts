import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
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

test('a private MinIO server names a port that is taken, and serves S3 requests until it is stopped', async (test) => {
  const minio = await obtainMinio(toolchainContext());
  if ('reason' in minio) {
    console.error(`SKIPPED: no MinIO server. ${minio.reason}`);
    test.skip(process.env.FARM_REQUIRE_MINIO !== '1', minio.reason);
    throw new Error(minio.reason);
  }
  const other = createServer((_, response) => response.writeHead(404).end()).listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  await expect(startMinio({ directory, port })).rejects.toThrow('port is already in use');
  other.close();
  const server = await startMinio({ directory });
  const response = await fetch(server.url);
  expect(response.status).toBe(403);
  expect(await response.text()).toContain('AccessDenied');
  await server.stop();
  await expect(fetch(server.url)).rejects.toThrow();
});
