import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FarmClient } from '@farm/client';
import type { JobDetail, KeyView } from '@farm/contracts';
import { samplePortrait, sampleSpeech } from '@farm/local-farm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiProcess, startApiProcess } from './testing/api-process.js';
import { runCaptured } from './testing/run-captured.js';

let api: ApiProcess;
const inputs = { portraitPath: samplePortrait, speechPath: sampleSpeech };

beforeAll(async () => {
  api = await startApiProcess();
});
afterAll(() => api.stop());

const farm = (...words: string[]) =>
  runCaptured(words, { environment: { ...process.env, FARM_URL: api.url, FARM_KEY: api.key, HOME: api.directory } });
const submit = (prompt: string, ...words: string[]) =>
  farm('submit', '-i', samplePortrait, '-a', sampleSpeech, '-p', prompt, ...words);

test('submit, list, show, cancel, retry', async () => {
  const { code, stdout, stderr } = await submit(
    'A woman speaks to the camera',
    '--seed',
    '7',
    '--metadata',
    'course=bio',
  );
  expect(code).toBe(0);
  const id = stdout.trim();
  expect(stderr).toContain('No worker with the draft engine is connected');
  expect((await farm('list')).stdout).toContain(`${id}  preparing`);
  const job = JSON.parse((await farm('show', id, '--json')).stdout);
  expect(job).toMatchObject({ id, spec: { seed: 7, metadata: { course: 'bio' } }, tasks: [{ kind: 'prepare' }] });
  expect((await farm('cancel', id)).stdout).toBe(`${id}  canceled\n`);
  expect((await farm('cancel', id)).code).toBe(0);
  expect((await farm('list', '--status', 'canceled', '--json')).stdout).toContain(id);
  expect((await farm('retry', id)).stdout).toBe(`${id}  preparing\n`);
  expect((await farm('retry', id)).code).toBe(9);
  expect((await farm('show', 'nothing')).code).toBe(4);
});

test('the same content is the same job; other settings are another', async () => {
  const [first, again] = [await submit('A man reads the news'), await submit('A man reads the news')];
  expect(again.stdout).toBe(first.stdout);
  expect((await submit('A man reads the news', '--seed', '1')).stdout).not.toBe(first.stdout);
});

test('refusals name what is wrong', async () => {
  const long = await submit('A man reads the news', '--clips', '2');
  expect(long).toMatchObject({ code: 3, stderr: expect.stringContaining('Ask for 6 clips') });
  const text = join(api.directory, 'notes.wav');
  await writeFile(text, 'these are my notes');
  expect((await farm('submit', '-i', samplePortrait, '-a', text, '-p', 'A man reads the news')).code).toBe(3);
});

test('what a job would become, without sending it', async () => {
  const plan = (...words: string[]) => farm('plan', '--portrait', '720*400', '--seconds', '60', ...words);
  const { stdout } = await plan('--engine', 'draft');
  expect(stdout).toMatch(
    /^engine {4}draft\nsize {6}\d+\*\d+\nlength {4}1500 frames, 32 clips\nclass {5}cpu\nworkers {3}none/,
  );
  const large = JSON.parse((await plan('--engine', 'liveavatar', '--size', '704*384', '--json')).stdout);
  expect(large).toMatchObject({ engine: 'liveavatar', width: 704, clipCount: 32, predictedPeakGB: expect.any(Number) });
  expect(await plan('--clips', '2')).toMatchObject({ code: 3, stderr: expect.stringContaining('Ask for 32 clips') });
  expect((await plan('--portrait', 'tall')).code).toBe(2);
});

test("a published command line of Live Avatar's script is accepted, numbers and all", async () => {
  const { code, stdout, stderr } = await submit(
    'A cheerful dwarf explains his craft',
    ...['--task', 's2v-14B', '--size', '704*384', '--base_seed', '420', '--offload_model', 'True', '--single_gpu'],
    ...['--infer_frames', '48', '--load_lora', '--lora_path_dmd', 'Quark-Vision/Live-Avatar', '--sample_steps', '4'],
    ...['--sample_guide_scale', '0', '--num_clip', '10000', '--num_gpus_dit', '1', '--sample_solver', 'euler'],
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('Decided by the farm') });
  const { spec } = JSON.parse((await farm('show', stdout.trim(), '--json')).stdout);
  expect(spec).toMatchObject({
    size: '704*384',
    clips: 10_000,
    truncate: true,
    seed: 420,
    steps: 4,
    framesPerClip: 48,
  });
});

test('keys: created, used, rotated, revoked', async () => {
  const made = JSON.parse((await farm('keys', 'create', '--owner', 'bio', '--json')).stdout);
  expect(made).toMatchObject({ owner: 'bio', role: 'submit', secret: expect.stringMatching(/^farm_/) });
  expect((await farm('list', '--key', made.secret)).stderr).toBe('No jobs.\n');
  expect((await farm('keys', 'list', '--key', made.secret)).code).toBe(6);
  const rotated = await farm('keys', 'rotate', made.id, '--grace', '0');
  expect((await farm('list', '--key', made.secret)).code).toBe(6);
  expect((await farm('list', '--key', rotated.stdout.trim())).code).toBe(0);
  const [key] = JSON.parse((await farm('keys', 'list', '--owner', 'bio', '--json')).stdout).keys;
  expect((await farm('keys', 'revoke', key.id)).stdout).toBe(`${key.id}  revoked\n`);
  expect((await farm('list', '--key', rotated.stdout.trim())).code).toBe(6);
});

test('a rotated key shows when it expires', async () => {
  const { id } = JSON.parse((await farm('keys', 'create', '--owner', 'art', '--json')).stdout);
  const expiry = Date.now() + 600_000;
  await farm('keys', 'rotate', id, '--grace', '600');
  const { keys } = JSON.parse((await farm('keys', 'list', '--owner', 'art', '--json')).stdout) as { keys: KeyView[] };
  const [rotated, current] = [keys.find((key) => key.id === id), keys.find((key) => key.id !== id)];
  expect(Math.abs(Date.parse(rotated?.expiresAt ?? '') - expiry)).toBeLessThan(60_000);
  expect(current).toEqual({ id: expect.any(String), owner: 'art', role: 'submit', createdAt: expect.any(String) });
});

test('an ended job is deleted, one that continues is not', async () => {
  const [first, second] = await Promise.all(['one', 'two'].map((word) => submit(`A woman counts to ${word}`)));
  const [a, b] = [first!.stdout.trim(), second!.stdout.trim()];
  await farm('cancel', a);
  const mixed = await farm('delete', a, b);
  expect(mixed).toMatchObject({ code: 8, stdout: `${a}  deleted\n` });
  expect(mixed.stderr).toContain(`${b}  The job is preparing. Cancel it, and delete it when it has ended.`);
  expect((await farm('delete', b)).code).toBe(9);
  expect((await farm('show', a)).code).toBe(4);
  await farm('cancel', b);
  expect(JSON.parse((await farm('rm', b, '--json')).stdout)).toEqual({ jobs: [{ id: b, deleted: true }] });
});

test('limits of an owner: set, enforced, reset', async () => {
  const shown = async (...words: string[]) => JSON.parse((await farm('limits', ...words, '--json')).stdout);
  const ofTheFarm = await shown('show', 'geo');
  expect(ofTheFarm).toEqual({ owner: 'geo', requestsPerMinute: expect.any(Number), unendedJobs: expect.any(Number) });
  expect(await shown('set', 'geo', '--requests-per-minute', '500', '--unended-jobs', '1')).toEqual({
    owner: 'geo',
    requestsPerMinute: 500,
    unendedJobs: 1,
  });
  const key = (await farm('keys', 'create', '--owner', 'geo')).stdout.trim();
  expect((await submit('A man draws a map', '--key', key)).code).toBe(0);
  // The command would repeat the call for half a minute, in case a job of the owner ends.
  const impatient = new FarmClient({ url: api.url, key, retryForMs: 0 });
  await expect(impatient.submitJob({ spec: { prompt: 'A man folds a map' }, ...inputs })).rejects.toMatchObject({
    status: 429,
    code: 'quota-exceeded',
  });
  expect((await farm('limits', 'set', 'geo', '--requests-per-minute', '600')).stdout).toContain(
    `geo    600                  ${ofTheFarm.unendedJobs}\n`,
  );
  expect(await shown('reset', 'geo')).toEqual(ofTheFarm);
  expect((await farm('limits', 'show', 'geo', '--key', key)).code).toBe(6);
  const refused = await farm('limits', 'set', 'no such', '--unended-jobs', '1');
  expect(refused).toMatchObject({ code: 3, stderr: expect.stringMatching(/^owner: An owner has 1 to 64 .*\n$/) });
});

test('jobs of an owner, whose key it is, and what only a finished video or a connected worker has', async () => {
  const key = (await farm('keys', 'create', '--owner', 'chem')).stdout.trim();
  const id = (await submit('A woman mixes colours', '--key', key)).stdout.trim();
  const { jobs } = JSON.parse((await farm('list', '--owner', 'chem', '--json')).stdout);
  expect(jobs.map((job: JobDetail) => job.id)).toEqual([id]);
  expect((await farm('list', '--owner', 'admin', '--key', key)).stderr).toBe('No jobs.\n');
  expect((await farm('keys', 'self', '--key', key)).stdout).toMatch(/\n\S+ {2}chem {3}submit {2}\S+Z\n$/);
  expect(JSON.parse((await farm('keys', 'self', '--json')).stdout)).toMatchObject({ role: 'admin' });
  expect((await farm('show', id, '--urls')).code).toBe(9);
  expect((await farm('workers', 'drain', 'gpu-7')).code).toBe(4);
  expect((await farm('workers', 'drain', 'gpu-7', '--key', key)).code).toBe(6);
});

test('watching survives a killed API', async () => {
  const client = new FarmClient({ url: api.url, key: api.key });
  const job = await client.submitJob({ spec: { prompt: 'A woman tells a story' }, ...inputs });
  const seen: JobDetail[] = [];
  const watching = (async () => {
    for await (const state of client.watchJob(job.id)) seen.push(state);
  })();
  await expect.poll(() => seen.length).toBeGreaterThan(0);
  await api.killAndRestart(300);
  await client.cancelJob(job.id);
  await watching;
  expect(seen.at(-1)?.status).toBe('canceled');
});
