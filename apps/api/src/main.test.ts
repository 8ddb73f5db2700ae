import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, type RunningRedisServer, startRedisServer } from '@farm/toolchain';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { makeInputs } from './testing/inputs.js';
import { asBearer, call, plainSpec, submit } from './testing/requests.js';

/** The built program: what `farm up` and containers start. */
const program = fileURLToPath(new URL('../dist/main.js', import.meta.url));
let directory: string;
let redis: RunningRedisServer;
const running = new Set<ChildProcess>();

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'farm-api-server-'));
  redis = await startRedisServer({ directory: join(directory, 'redis') });
});
afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
});
afterAll(async () => {
  await redis.stop();
  await rm(directory, { recursive: true, force: true });
});

interface Started {
  url: string;
  child: ChildProcess;
  exited: Promise<[code: number | null, signal: string | null]>;
  output(): string;
}

async function start(changes: NodeJS.ProcessEnv = {}): Promise<Started> {
  const port = await freePort();
  const child = spawn(process.execPath, [program], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      REDIS_URL: redis.url,
      FARM_PORT: String(port),
      FARM_STORAGE_DIRECTORY: join(directory, 'storage'),
      FARM_SIGNING_SECRET: 'a secret of the tests and of nothing else',
      FARM_ADMIN_KEY_FILE: join(directory, 'admin.key'),
      ...changes,
    },
  });
  running.add(child);
  const exited = once(child, 'exit') as Started['exited'];
  void exited.then(() => running.delete(child));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (bytes) => {
      output += bytes;
    });
  }
  return { url: `http://127.0.0.1:${port}`, child, exited, output: () => output };
}

const untilReady = ({ url }: Started) =>
  vi.waitFor(async () => expect((await fetch(`${url}/v1/ready`)).status).toBe(200), { timeout: 15_000, interval: 50 });

describe('the process', () => {
  it('makes the first admin key once, in a file that only its owner reads', async () => {
    const [first, second] = await Promise.all([start(), start()]);
    await Promise.all([untilReady(first), untilReady(second)]);
    const file = join(directory, 'admin.key');
    const key = (await readFile(file, 'utf8')).trim();
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    for (const { url, output } of [first, second]) {
      expect((await call<{ role: string }>(`${url}/v1/keys/self`, key)).body.role).toBe('admin');
      expect(output()).not.toContain(key);
    }
  });

  it('revokes the first key when it cannot be written, so that the next start makes one', async () => {
    const other = await startRedisServer({ directory: join(directory, 'redis-2') });
    const settings = { REDIS_URL: other.url, FARM_STORAGE_DIRECTORY: join(directory, 'storage-2') };
    const failed = await start({ ...settings, FARM_ADMIN_KEY_FILE: join(directory, 'no-such-folder', 'admin.key') });
    expect(await failed.exited).toEqual([1, null]);
    const farm = await start({ ...settings, FARM_ADMIN_KEY_FILE: join(directory, 'second.key') });
    await untilReady(farm);
    const key = (await readFile(join(directory, 'second.key'), 'utf8')).trim();
    const { keys } = (await call<{ keys: object[] }>(`${farm.url}/v1/keys`, key)).body;
    expect(keys).toHaveLength(1);
    farm.child.kill('SIGTERM');
    await farm.exited;
    await other.stop();
  });

  it('finishes requests under way after SIGTERM, ends its event streams, and exits with 0', async () => {
    const farm = await start();
    await untilReady(farm);
    const key = (await readFile(join(directory, 'admin.key'), 'utf8')).trim();
    const { portrait, speech } = await makeInputs(directory);
    const stream = await fetch(`${farm.url}/v1/events`, { headers: asBearer(key) });
    const streamed = stream.text();
    const answer = submit({ url: farm.url, key }, [
      ['spec', plainSpec],
      ['portrait', portrait],
      ['speech', speech],
    ]);
    await expect.poll(async () => (await fetch(`${farm.url}/metrics`)).text()).toContain('farm_jobs');
    farm.child.kill('SIGTERM');
    expect((await answer).status).toBe(201);
    expect(await streamed).toContain(': open');
    expect(await farm.exited).toEqual([0, null]);
  });

  it('exits after SIGTERM while Redis is unavailable', async () => {
    const other = await startRedisServer({ directory: join(directory, 'redis-3') });
    const farm = await start({
      REDIS_URL: other.url,
      FARM_STORAGE_DIRECTORY: join(directory, 'storage-3'),
      FARM_ADMIN_KEY_FILE: join(directory, 'third.key'),
    });
    await untilReady(farm);
    await other.stop();
    await vi.waitFor(() => expect(farm.output()).toContain('is unavailable'), { timeout: 5000, interval: 50 });
    farm.child.kill('SIGTERM');
    expect(await farm.exited).toEqual([0, null]);
  });

  it('ends immediately on a second signal', async () => {
    const farm = await start();
    await untilReady(farm);
    const key = (await readFile(join(directory, 'admin.key'), 'utf8')).trim();
    const held = fetch(`${farm.url}/v1/jobs`, {
      method: 'POST',
      headers: { ...asBearer(key), 'content-type': 'multipart/form-data; boundary=x' },
      body: new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from('--x\r\n')) }),
      duplex: 'half',
    } as RequestInit).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 300));
    farm.child.kill('SIGTERM');
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(farm.child.exitCode).toBeNull();
    farm.child.kill('SIGTERM');
    expect(await farm.exited).toEqual([1, null]);
    await held;
  });

  it.each([
    [{ REDIS_URL: undefined }, 'REDIS_URL'],
    [{ FARM_PORT: 'http' }, 'FARM_PORT'],
    [{ FARM_SIGNING_SECRET: undefined }, 'FARM_SIGNING_SECRET'],
    [{ FARM_STORAGE: 's3' }, 'S3_ENDPOINT'],
    [{ FARM_STORAGE: 'ftp' }, 'FARM_STORAGE'],
    [{ FARM_MAX_UPLOAD_BYTES: '-1' }, 'FARM_MAX_UPLOAD_BYTES'],
    [{ REDIS_URL: 'localhost:6379' }, 'REDIS_URL'],
  ])('does not start with %j, and names %s', async (changes, name) => {
    const farm = await start(changes);
    expect(await farm.exited).toEqual([1, null]);
    expect(farm.output()).toContain(name);
    expect(farm.output()).not.toContain('a secret of the tests');
  });

  it('refuses a storage that belongs to another farm', async () => {
    const farm = await start({ FARM_STORAGE_DIRECTORY: join(directory, 'other') });
    expect(await farm.exited).toEqual([1, null]);
    expect(farm.output()).toContain('Point both at the same place');
  });
});
