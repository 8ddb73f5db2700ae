import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runCaptured } from '../testing/run-captured.js';
import type { Finding } from './finding.js';
import { probePort, probeService } from './probe-network.js';

let directory: string;
let servers: Server[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'farm-doctor-'));
  await mkdir(join(directory, 'bin'));
  servers = [];
});
afterEach(async () => {
  for (const server of servers) await new Promise((resolve) => server.close(resolve));
  await rm(directory, { recursive: true });
});

/** A program on the PATH with recorded output. */
async function program(name: string, script: string): Promise<void> {
  const path = join(directory, 'bin', name);
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
}

async function doctor(...words: string[]): Promise<{ code: number; findings: Finding[] }> {
  const environment = { HOME: directory, PATH: `${join(directory, 'bin')}:${process.env.PATH}` };
  const { code, stdout } = await runCaptured(['doctor', '--json', '--port', '0', ...words], { environment });
  return { code, findings: JSON.parse(stdout).findings };
}

async function listen(status: number, contentType: string): Promise<number> {
  const server = createServer((_request, response) =>
    response.writeHead(status, { 'content-type': contentType }).end('{}'),
  );
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

test('runs the programs on the PATH and judges their output', async () => {
  await program(
    'nvidia-smi',
    `[ "$1" = -L ] && exit 0
     echo "$1" | grep -q 'compute_cap' || exit 2
     echo '0, NVIDIA GeForce RTX 4090, 550.120, 24564, 8.9, [N/A], [N/A]'`,
  );
  await program('python3', `echo "ModuleNotFoundError: No module named 'torch'" >&2; exit 1`);
  const { code, findings } = await doctor('--data', join(directory, 'not/yet/there'));
  expect(code).toBe(11);
  const byArea = Object.fromEntries(findings.map((finding) => [finding.area, finding]));
  expect(byArea.driver).toEqual({ area: 'driver', verdict: 'fine', found: 'NVIDIA driver 550.120' });
  expect(byArea['card 0']?.found).toContain('RTX 4090, 24564 MiB, compute capability 8.9');
  expect(byArea.pytorch).toMatchObject({ verdict: 'problem', found: expect.stringContaining('not installed') });
  expect(byArea.storage?.verdict).toBe('fine');
  expect(byArea.node?.verdict).toBe('fine');
});

test.each(['farm-weights.json', 'farm-models.json'])(
  'reads which weights are there from %s beside them',
  async (inventory) => {
    const files = [
      { path: 'a.safetensors', size: 3 },
      { path: 'b.safetensors', size: 3 },
    ];
    await writeFile(join(directory, inventory), JSON.stringify({ schema: 1, files }));
    await writeFile(join(directory, 'a.safetensors'), 'abc');
    await writeFile(join(directory, 'b.safetensors'), 'a');
    const { findings } = await doctor('--engine', 'draft', '--weights', directory);
    const weights = findings.find(({ area }) => area === 'weights');
    expect(weights?.found).toBe(`1 of 2 files in ${directory} are missing or incomplete: b.safetensors, …`);
  },
);

test('tells a free port from a farm and from another program', async () => {
  expect(await probePort(await listen(200, 'application/json; charset=utf-8'))).toBe('farm');
  expect(await probePort(await listen(200, 'text/html'))).toBe('taken');
  const port = await listen(200, 'text/html');
  await new Promise((resolve) => servers.pop()?.close(resolve));
  expect(await probePort(port)).toBe('free');
});

test('names services without their passwords', async () => {
  const port = await listen(200, 'text/plain');
  const listening = await probeService(`redis://:secret@127.0.0.1:${port}/0`);
  expect(listening).toEqual({ address: `redis://127.0.0.1:${port}`, failure: undefined });
  await new Promise((resolve) => servers.pop()?.close(resolve));
  expect((await probeService(`http://farm:secret@127.0.0.1:${port}`)).failure).toBe('ECONNREFUSED');
  expect((await probeService('store:6379')).failure).toBe('store: is not supported');
});
