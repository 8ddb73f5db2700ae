import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { FarmClient } from '@farm/client';
import { mainFiles, samplePortrait, sampleSpeech, startLocalFarm } from '@farm/local-farm';
import { createStorage, type ObjectStorage, readStorageConfiguration, StorageEnvironment } from '@farm/storage';
import { toolchainContext } from '@farm/toolchain';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { frameHashes, openTestFarm, repeatedSpeech, type TestFarm } from './support/test-farm.js';

const run = promisify(execFile);
const program = new URL('../apps/cli/bin/farm.js', import.meta.url).pathname;

/** A program's end: its exit code and everything it printed. */
async function end(command: string, args: string[], env: NodeJS.ProcessEnv): Promise<{ code: number; output: string }> {
  try {
    const { stdout, stderr } = await run(command, args, { env, timeout: 60_000 });
    return { code: 0, output: stdout + stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, output: stdout + stderr };
  }
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

describe.each(['filesystem', 'minio'] as const)('a farm on %s that loses its Redis', (kind) => {
  let test: TestFarm;
  let storage: ObjectStorage;
  let anna: FarmClient;
  let video: Buffer;
  let ids: Record<'finished' | 'canceled' | 'deleted' | 'running', string>;
  let speech: string;
  let undisturbed: string[];
  let objects: string[];

  const url = (path: string) => `${test.farm.url}${path}`;
  const farm = (...args: string[]) => end(process.execPath, [program, ...args], process.env);
  const startWith = (main: string, changes: NodeJS.ProcessEnv) =>
    end(process.execPath, [main], { ...test.farm.environment, FARM_WORKER_ID: 'second', ...changes });
  const listed = async () => {
    const keys: string[] = [];
    for await (const { key } of storage.list('jobs/')) keys.push(key);
    return keys;
  };
  const download = async (client: FarmClient, id: string) => {
    const path = join(test.folder, `${id}-${Date.now()}.mp4`);
    await client.downloadVideo(id, path);
    return await readFile(path);
  };
  const clientOf = async (owner: string) => {
    const { secret } = await test.client.createKey({ owner, role: 'submit' });
    return new FarmClient({ url: test.farm.url, key: secret });
  };

  beforeAll(async () => {
    test = await openTestFarm({ storage: kind });
    const address = { internal: test.farm.url, public: test.farm.url };
    const environment = { FARM_SIGNING_SECRET: 'only-for-signing-urls', ...test.farm.environment };
    storage = await createStorage(readStorageConfiguration(StorageEnvironment.parse(environment), address));
    anna = await clientOf('anna');
    const spec = { prompt: 'A woman speaks to the camera', seed: 7, size: '256*256' } as const;
    const submit = () => anna.submitJob({ spec, portraitPath: samplePortrait, speechPath: sampleSpeech });
    const finished = (await submit()).id;
    await test.until(finished, (job) => job.status === 'succeeded');
    video = await download(anna, finished);
    const canceled = (await submit()).id;
    await anna.cancelJob(canceled);
    const deleted = (await submit()).id;
    await test.until(deleted, (job) => job.status === 'succeeded');
    // The scheduler notes it in storage a few seconds later.
    await vi.waitFor(async () => expect(await storage.head(`jobs/${canceled}/input/ended.json`)).toBeDefined(), 30_000);
    await anna.deleteJob(deleted);

    speech = await repeatedSpeech(test.folder, 4);
    const before = await test.submit(speech);
    await test.until(before.id, (job) => job.status === 'succeeded');
    undisturbed = frameHashes(await test.manifest(before.id));
    ids = { finished, canceled, deleted, running: '' };
  }, 400_000);
  afterAll(async () => {
    await storage?.close();
    await test?.close();
  });

  it('refuses a scheduler and a worker on another database, and says which', async () => {
    for (const main of [mainFiles.scheduler, mainFiles.worker]) {
      const { code, output } = await startWith(main, { REDIS_URL: `${test.farm.environment.REDIS_URL}/1` });
      expect(code).toBe(1);
      expect(output).toContain('database 1');
      expect(output).toContain('farm rebuild');
    }
    expect(await test.client.isReady()).toBe(true);
  }, 120_000);

  it('answers 503 and deletes nothing once Redis is empty', async () => {
    ids.running = (await test.submit(speech)).id;
    await test.until(ids.running, (job) => job.progress.framesDone > 100);
    await test.records.redis.flushall();
    const ready = await fetch(url('/v1/ready'));
    expect([ready.status, ((await ready.json()) as { code: string }).code]).toEqual([503, 'records-lost']);
    const known = await fetch(url('/v1/keys/self'), { headers: { authorization: `Bearer ${test.farm.adminKey}` } });
    expect(known.status).toBe(503);
    for (const main of [mainFiles.scheduler, mainFiles.worker])
      expect((await startWith(main, {})).output).toContain('does not know');
    objects = await listed();
    const { runOnce } = await import('@farm/scheduler/clean-storage');
    const log = { info() {}, warn() {}, error() {} } as never;
    // Even a sweep that nothing guards finds no garbage in what it does not know.
    expect(await runOnce({ records: test.records, storage, unreferencedMs: 0, log })).toBe(0);
    expect(await listed()).toEqual(objects);
    // One that starts now answers, too, and makes no key.
    process.kill(test.farm.processes().api!, 'SIGKILL');
    await expect.poll(async () => (await fetch(url('/v1/ready')).catch(() => undefined))?.status).toBe(503);
    // Neither the API nor the worker makes itself at home.
    const keys = await test.records.redis.keys('{farm}:*');
    expect(keys.filter((key) => !/^\{farm\}:(bull:|events|storage-sweep|reply:)/.test(key))).toEqual([]);
  }, 120_000);

  it('rebuild says what it would do, writes nothing without --confirm, and lists everything with it', async () => {
    const data = test.farm.directory.path;
    const dry = await farm('rebuild', '--data', data);
    expect(dry.output).toContain('anna: 1');
    expect(await test.records.redis.exists('{farm}:storage-root')).toBe(0);
    const { output } = await farm('rebuild', '--data', data, '--confirm', '--json');
    const report = JSON.parse(output) as Record<string, unknown> & {
      unfinished: { jobId: string; objects: { inputs: string[]; pieces: string[] } }[];
    };
    expect(report).toMatchObject({
      written: true,
      finished: { anna: 1, admin: 1 },
      ended: 1,
      // None where the farm's own sweep, every ten minutes, has been there first.
      deleted: expect.toSatisfy((count: number) => count === 0 || count === 1),
      unusable: [],
    });
    expect(report.unfinished.map(({ jobId }) => jobId)).toEqual([ids.running]);
    expect(report.unfinished[0]!.objects.inputs).toHaveLength(3);
    expect(report.unfinished[0]!.objects.pieces.length).toBeGreaterThan(0);
    const again = JSON.parse((await farm('rebuild', '--data', data, '--confirm', '--json')).output) as typeof report;
    expect(again).toMatchObject({ known: 4, finished: {}, unfinished: [] });
  }, 120_000);

  it('serves its videos again, to their owners, without a restart of the API', async () => {
    await expect.poll(async () => (await fetch(url('/v1/ready'))).status).toBe(200);
    const key = (await readFile(join(test.farm.directory.path, 'admin.key'), 'utf8')).trim();
    expect(key).not.toBe(test.farm.adminKey);
    Object.assign(test, { client: new FarmClient({ url: test.farm.url, key }) });
    anna = await clientOf('anna');
    expect((await anna.listJobs()).jobs.map(({ id, status }) => [id, status])).toEqual([
      [ids.canceled, 'canceled'],
      [ids.finished, 'succeeded'],
    ]);
    expect(sha256(await download(anna, ids.finished))).toBe(sha256(video));
    const job = await anna.getJob(ids.finished);
    expect(job.tasks.map(({ kind }) => kind)).toEqual(['prepare', 'render', 'assemble'].slice(0, job.tasks.length));
    expect(job.links.poster).toBeDefined();
    await expect(anna.getJob(ids.deleted)).rejects.toMatchObject({ status: 404 });
  });

  it('renders its unfinished job again from the inputs, with the same frames', async () => {
    const { client } = test;
    await expect
      .poll(async () => (await client.getJob(ids.running)).status, { timeout: 180_000, interval: 500 })
      .toBe('succeeded');
    const manifest = await client.getManifest(ids.running);
    expect(frameHashes(manifest)).toEqual(undisturbed);
  }, 200_000);

  it('sweeps only what is left of the deleted job', async () => {
    const { runOnce } = await import('@farm/scheduler/clean-storage');
    const log = { info() {}, warn() {}, error() {} } as never;
    const before = await listed();
    await runOnce({ records: test.records, storage, unreferencedMs: 0, log });
    const left = await listed();
    expect(left.filter((key) => key.includes(ids.deleted))).toEqual([]);
    const gone = before.filter((key) => !left.includes(key));
    expect(gone.every((key) => key.includes(ids.deleted) || /\/(pieces|states|prepared)\//.test(key))).toBe(true);
    expect(sha256(await download(anna, ids.finished))).toBe(sha256(video));
  });
});

describe('a farm whose folder of Redis is lost while it is down', () => {
  it('does not come up, is listed again, and plays its video', async () => {
    const toolchain = toolchainContext();
    const folder = await mkdtemp(join(tmpdir(), 'farm-test-'));
    const directory = join(folder, 'data');
    const up = () =>
      startLocalFarm({
        directory,
        host: '127.0.0.1',
        port: 0,
        storage: 'filesystem',
        engine: 'draft',
        engineArguments: [],
        toolchain,
        onTrouble: () => {},
      });
    const before = await up();
    const client = new FarmClient({ url: before.url, key: before.adminKey });
    const spec = { prompt: 'A woman speaks to the camera', seed: 7, size: '256*256' } as const;
    const { id } = await client.submitJob({ spec, portraitPath: samplePortrait, speechPath: sampleSpeech });
    await vi.waitFor(async () => expect((await client.getJob(id)).status).toBe('succeeded'), {
      timeout: 120_000,
      interval: 500,
    });
    await client.downloadVideo(id, join(folder, 'before.mp4'));
    await before.stop();
    await rm(join(directory, 'redis'), { recursive: true });
    await expect(up()).rejects.toMatchObject({
      code: 'records-not-of-farm',
      message: expect.stringContaining(directory),
    });

    const { code } = await end(process.execPath, [program, 'rebuild', '--data', directory, '--confirm'], process.env);
    expect(code).toBe(0);
    const after = await up();
    try {
      const again = new FarmClient({ url: after.url, key: after.adminKey });
      await again.downloadVideo(id, join(folder, 'after.mp4'));
      expect(await readFile(join(folder, 'after.mp4'))).toEqual(await readFile(join(folder, 'before.mp4')));
    } finally {
      await after.stop();
      await rm(folder, { recursive: true, force: true });
    }
  }, 400_000);
});
