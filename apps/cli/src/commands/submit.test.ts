import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ContractServer, problem } from '@farm/client/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type CaptureOptions, runCaptured } from '../testing/run-captured.js';

let server: ContractServer;
let directory: string;

beforeEach(async () => {
  server = await new ContractServer().start();
  directory = await mkdtemp(join(tmpdir(), 'farm-submit-'));
  await mkdir(join(directory, 'lessons'));
  await writeFile(join(directory, 'p.jpg'), 'a portrait');
  for (const name of ['01', '02', '10']) await writeFile(join(directory, `lessons/${name}.wav`), `speech ${name}`);
});
afterEach(async () => {
  await server.stop();
  await rm(directory, { recursive: true });
});

const environment = () => ({ FARM_URL: server.url, FARM_KEY: 'secret', HOME: directory });
const submit = (extra: readonly string[], options: CaptureOptions = {}) =>
  runCaptured(['submit', '-i', join(directory, 'p.jpg'), '-p', 'A teacher explains', ...extra], {
    environment: environment(),
    ...options,
  });
const lessons = () => ['-a', join(directory, 'lessons/*.wav')];
const out = () => ['--out', join(directory, 'outputs/{name}.mp4'), '--watch'];

function finishAll(): void {
  for (const [id, { job }] of server.jobs) {
    if (job.status !== 'succeeded') server.change(id, { status: 'succeeded', endedAt: '2026-01-05T08:00:21.000Z' });
  }
}

/** Lets every job succeed as soon as it is watched. */
async function whileJobsFinish<Result>(run: Promise<Result>): Promise<Result> {
  const timer = setInterval(finishAll, 50);
  return run.finally(() => clearInterval(timer));
}

test('prints the id alone on stdout, for scripts', async () => {
  const { code, stdout, stderr } = await submit(['-a', join(directory, 'lessons/01.wav')]);
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'job1\n' });
  expect(stderr).toContain('farm watch job1');
});

test('a folder: one job per file, each video under its name', async () => {
  const { code, stdout } = await whileJobsFinish(submit([...lessons(), ...out()]));
  expect(code).toBe(0);
  expect(await readdir(join(directory, 'outputs'))).toEqual(['01.mp4', '02.mp4', '10.mp4']);
  expect(await readFile(join(directory, 'outputs/02.mp4'), 'utf8')).toBe('video of 02.wav');
  expect(stdout).toMatch(/^01.wav {2}rendering {2}clip {2}6 of 12/m);
  expect(stdout).toContain(`video: ${join(directory, 'outputs/10.mp4')}`);
});

test('a bad file does not stop the others and is listed at the end', async () => {
  await writeFile(join(directory, 'lessons/03.wav'), 'not audio at all');
  await writeFile(join(directory, 'lessons/04.wav'), '');
  const { code, stderr } = await whileJobsFinish(submit([...lessons(), ...out()]));
  expect(code).toBe(8);
  expect(await readdir(join(directory, 'outputs'))).toEqual(['01.mp4', '02.mp4', '10.mp4']);
  expect(stderr).toContain('2 of 5 recordings failed:\n  03.wav: 03.wav cannot be decoded as audio.');
  expect(stderr).toContain('is empty (0 bytes)');
});

test('a rerun does only what is missing', async () => {
  await whileJobsFinish(submit([...lessons(), ...out()]));
  await rm(join(directory, 'outputs/02.mp4'));
  await writeFile(join(directory, 'lessons/11.wav'), 'speech 11');
  server.requests.length = 0;
  const { code, stdout } = await whileJobsFinish(submit([...lessons(), ...out()]));
  expect(code).toBe(0);
  expect(server.requests.filter((line) => line === 'POST /v1/jobs')).toHaveLength(2);
  // 02.wav found its job by content, 11.wav created a new one.
  expect(server.jobs.size).toBe(4);
  expect(stdout).toMatch(/01.wav {2}skipped[\s\S]*10.wav {2}skipped/);
  expect(await readdir(join(directory, 'outputs'))).toHaveLength(4);
});

test('a recording that changed after its video is rendered again', async () => {
  await whileJobsFinish(submit([...lessons(), ...out()]));
  await writeFile(join(directory, 'lessons/01.wav'), 'a better take');
  const later = new Date(Date.now() + 5000);
  await utimes(join(directory, 'lessons/01.wav'), later, later);
  await whileJobsFinish(submit([...lessons(), ...out()]));
  expect(server.jobs.size).toBe(4);
});

test('a job that failed before continues instead of being created again', async () => {
  const arguments_ = ['-a', join(directory, 'lessons/01.wav')];
  await submit(arguments_);
  server.change('job1', { status: 'failed', error: { code: 'engine-failed', message: 'The engine broke.' } });
  expect((await submit(arguments_)).stdout).toBe('job1\n');
  expect(server.requests).toContain('POST /v1/jobs/job1/retry');
  expect((await submit([...arguments_, '--again'])).stdout).toBe('job2\n');
});

test('a failed job is exit code 7 with its reason', async () => {
  const run = submit(['-a', join(directory, 'lessons/01.wav'), '--watch']);
  await expect.poll(() => server.lastEventIds.length).toBe(1);
  server.change('job1', { status: 'failed', error: { code: 'engine-failed', message: 'The engine broke.' } });
  const { code, stderr } = await run;
  expect(code).toBe(7);
  expect(stderr).toContain('Job job1 failed: The engine broke. `farm show job1`');
});

test('Ctrl-C leaves the job running and says how to come back', async () => {
  const interrupt = new AbortController();
  const run = submit(['-a', join(directory, 'lessons/01.wav'), '--watch'], {
    signal: interrupt.signal,
    onStdout: () => interrupt.abort(),
  });
  const { code, stderr } = await run;
  expect(code).toBe(130);
  expect(stderr).toBe('Stopped watching; the job continues. Come back with: farm watch job1\n');
  expect(server.requests.filter((line) => line.includes('cancel'))).toEqual([]);
});

test('Ctrl-C on a folder counts what continues', async () => {
  const interrupt = new AbortController();
  const run = submit([...lessons(), '--watch'], { signal: interrupt.signal });
  await expect.poll(() => server.lastEventIds.length).toBe(3);
  interrupt.abort();
  const { code, stderr } = await run;
  expect(code).toBe(130);
  expect(stderr).toContain('Stopped watching; 3 jobs continue. Come back by running the same command again');
});

test('a refused key ends everything, and is reported once', async () => {
  const { code, stderr } = await submit(lessons(), { environment: { ...environment(), FARM_KEY: 'wrong' } });
  expect(code).toBe(6);
  expect(stderr.match(/unknown or revoked/g)).toHaveLength(1);
});

test('a refused portrait or setting ends everything: every file would be refused for it', async () => {
  server.intercept = (request, response) => {
    if (request.method !== 'POST') return false;
    problem(response, { status: 422, code: 'portrait-unreadable', detail: 'p.jpg cannot be decoded as a picture.' });
    return true;
  };
  const { code, stderr } = await submit(lessons());
  expect({ code, stderr }).toEqual({ code: 3, stderr: 'p.jpg cannot be decoded as a picture.\n' });
});

test('a quota ends everything; the limit is named, and so is what was submitted before', async () => {
  server.intercept = (request, response) => {
    if (request.method !== 'POST' || server.jobs.size < 2) return false;
    response.setHeader('retry-after', '3600');
    problem(response, {
      status: 429,
      code: 'quota-exceeded',
      detail: 'Owner course has 2 unfinished jobs, the limit of this farm.',
    });
    return true;
  };
  const { code, stdout, stderr } = await submit(lessons());
  expect(code).toBe(10);
  expect(stdout.split('\n')).toHaveLength(3);
  expect(stderr).toBe(
    '2 of 3 recordings were submitted; the same command continues from there.\n' +
      'Owner course has 2 unfinished jobs, the limit of this farm.\n',
  );
});

test('--json prints one document, or one line per change', async () => {
  const document = JSON.parse((await submit([...lessons(), '--json'])).stdout);
  expect(document.jobs.map((entry: { outcome: string }) => entry.outcome)).toEqual([
    'submitted',
    'submitted',
    'submitted',
  ]);
  const { stdout } = await whileJobsFinish(submit([...lessons(), ...out(), '--json']));
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines.filter((line) => line.event === 'settled').map((line) => line.outcome)).toEqual([
    'made',
    'made',
    'made',
  ]);
});

test.each([
  [['-a', 'nowhere.wav'], 'there is no file nowhere.wav'],
  [['-a', 'nowhere/*.wav'], 'no file matches nowhere/*.wav'],
  [['-a', 'nowhere.wav', '--steps', 'many'], '--steps: write a number, not "many"'],
  [['-a', 'nowhere.wav', '--steps', '9'], '--steps: '],
  [['-a', 'nowhere.wav', '--frames-per-clip', '1', '--size', 'big'], '--size: Write the size as width*height'],
  [['-a', 'nowhere.wav', '--metadata', 'course'], '--metadata: write name=value, not "course"'],
])('a wrong command line is exit code 2: %j', async (extra, sentence) => {
  const { code, stderr } = await submit(extra);
  expect(code).toBe(2);
  expect(stderr).toContain(sentence);
  expect(server.requests).toEqual([]);
});

test('two recordings cannot become one video', async () => {
  await writeFile(join(directory, 'lessons/01.mp3'), 'speech');
  const wide = ['-a', join(directory, 'lessons/*'), '--out', join(directory, '{name}.mp4')];
  expect((await submit(wide)).stderr).toContain('would both become');
  const fixed = await submit([...lessons(), '--out', join(directory, 'talk.mp4')]);
  expect(fixed.stderr).toContain('3 recordings cannot share');
});
