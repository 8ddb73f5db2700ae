import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type RunningRedisServer, startRedisServer } from './redis-server.js';

let directory: string;
const servers: RunningRedisServer[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'farm redis "test" '));
});

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
  await rm(directory, { recursive: true, force: true });
});

async function start(options: Omit<Parameters<typeof startRedisServer>[0], 'directory'> = {}) {
  const server = await startRedisServer({ directory, ...options });
  servers.push(server);
  return server;
}

/** Sends inline commands and returns the raw replies, once there are as many lines as commands. */
async function ask(port: number, ...commands: string[]): Promise<string[]> {
  const socket = connect({ host: '127.0.0.1', port });
  socket.write(`${commands.join('\r\n')}\r\n`);
  const lines: string[] = [];
  for await (const line of createInterface({ input: socket })) {
    lines.push(line);
    if (lines.filter((text) => !text.startsWith('$')).length === commands.length) break;
  }
  socket.destroy();
  return lines.filter((text) => !text.startsWith('$'));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('serves its port with the settings of the farm, and is gone after stop()', async () => {
  const server = await start({ maxMemory: '64mb' });
  expect(server.url).toBe(`redis://127.0.0.1:${server.port}`);
  const info = await ask(server.port, 'CONFIG GET maxmemory-policy', 'PING');
  expect(info.join()).toContain('maxmemory-policy');
  await server.stop();
  expect(isAlive(server.pid)).toBe(false);
  await server.stop();
});

test('asks for the password', async () => {
  const server = await start({ password: 'se"cret\\word' });
  expect(server.url).toContain(':se%22cret%5Cword@');
  expect((await ask(server.port, 'PING'))[0]).toContain('NOAUTH');
});

test('keeps what was written, across kill -9 and another start on the same folder and port', async () => {
  const first = await start();
  expect(await ask(first.port, 'SET lesson one')).toEqual(['+OK']);
  await new Promise((resolve) => setTimeout(resolve, 1100));
  process.kill(first.pid, 'SIGKILL');
  expect((await first.exited).signal).toBe('SIGKILL');
  const second = await start({ port: first.port });
  expect(await ask(second.port, 'GET lesson')).toEqual(['one']);
});

test('names a port that is taken', async () => {
  const first = await start();
  const other = await mkdtemp(join(tmpdir(), 'farm-redis-'));
  await expect(startRedisServer({ directory: other, port: first.port })).rejects.toThrow(/Address already in use/);
  await rm(other, { recursive: true });
});

test('dies with a parent that is killed', async () => {
  const module = pathToFileURL(join(import.meta.dirname, '../dist/redis-server.js')).href;
  const program = `
    import { startRedisServer } from ${JSON.stringify(module)};
    const server = await startRedisServer({ directory: process.argv[1] });
    console.log(server.pid);
    setInterval(() => {}, 1000);
  `;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', program, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(createInterface({ input: parent.stdout }), 'line');
  const pid = Number(line);
  expect(isAlive(pid)).toBe(true);
  parent.kill('SIGKILL');
  await expect.poll(() => isAlive(pid), { timeout: 4000 }).toBe(false);
});
