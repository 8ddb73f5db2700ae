import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobDetail } from '@farm/contracts';
import { countClaimable, getAttempts, getTasks } from '@farm/records';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { enginePidOf, frameHashes, isAlive, openTestFarm, repeatedSpeech, type TestFarm } from './support/test-farm.js';

let test: TestFarm;
let speech: string;
let undisturbed: string[];

beforeAll(async () => {
  test = await openTestFarm();
  speech = await repeatedSpeech(test.folder, 4);
  const job = await test.submit(speech);
  await test.until(job.id, (state) => state.status === 'succeeded');
  undisturbed = frameHashes(await test.manifest(job.id));
  expect(undisturbed.length).toBeGreaterThan(12);
}, 120_000);
afterAll(() => test.close());

const pidOf = (name: string) => test.farm.processes()[name]!;
const isMidRender = (job: JobDetail) => job.progress.framesDone > 100 && job.progress.fraction < 0.6;

async function submitAndWaitForMiddle(): Promise<JobDetail> {
  const job = await test.submit(speech);
  return test.until(job.id, isMidRender);
}

/** The job succeeds, the frames are those of the undisturbed run, and every frame was committed once. */
async function expectSameVideo(jobId: string): Promise<JobDetail> {
  const ended = await test.until(jobId, (job) => job.status === 'succeeded');
  const manifest = await test.manifest(jobId);
  expect(frameHashes(manifest)).toEqual(undisturbed);
  const committed = manifest.segments.flatMap((segment) =>
    segment.pieces.map((piece) => [segment.firstFrame + piece.firstFrame, piece.frameCount] as const),
  );
  let next = 0;
  for (const [firstFrame, frameCount] of committed) {
    expect(firstFrame).toBe(next);
    next = firstFrame + frameCount;
  }
  expect(next).toBe(manifest.video.frameCount);
  return ended;
}

/** Rendered by attempts that did not end well, and therefore rendered again, may only be pieces that were not committed. */
async function committedBefore(jobId: string): Promise<Set<string>> {
  const tasks = await getTasks(test.records, jobId);
  const keys = new Set<string>();
  for (const task of tasks) {
    const pieces = await test.records.redis.lrange(`{farm}:task:${task.id}:pieces`, 0, -1);
    for (const piece of pieces) keys.add((JSON.parse(piece) as { key: string }).key);
  }
  return keys;
}

describe.sequential('kill -9 in the middle of a render', () => {
  for (const part of ['worker', 'api', 'scheduler', 'redis'] as const) {
    it(`of ${part}: the job succeeds with the same frames, and committed pieces are not rendered again`, async () => {
      const job = await submitAndWaitForMiddle();
      const before = await committedBefore(job.id);
      const pid = pidOf(part);
      process.kill(pid, 'SIGKILL');
      await expectSameVideo(job.id);
      const after = await committedBefore(job.id);
      for (const key of before) expect(after).toContain(key);
      expect(test.troubles.at(-1)).toContain(part);
      expect(pidOf(part)).not.toBe(pid);
    }, 120_000);
  }

  it('of the engine: the worker restarts it and continues after the last committed piece', async () => {
    const job = await submitAndWaitForMiddle();
    const before = await committedBefore(job.id);
    const engine = await enginePidOf(pidOf('worker'));
    process.kill(engine, 'SIGKILL');
    const ended = await expectSameVideo(job.id);
    const after = await committedBefore(job.id);
    for (const key of before) expect(after).toContain(key);
    const attempts = ended.tasks.flatMap((task) => task.attempts);
    expect(attempts.filter((attempt) => attempt.status === 'failed').map((attempt) => attempt.error?.code)).toEqual([
      'engine-killed',
    ]);
  }, 120_000);

  it('leaves no engine without its worker', async () => {
    const job = await submitAndWaitForMiddle();
    const engine = await enginePidOf(pidOf('worker'));
    process.kill(pidOf('worker'), 'SIGKILL');
    const deadline = Date.now() + 3000;
    while (isAlive(engine) && Date.now() < deadline) await sleep(50);
    expect(isAlive(engine)).toBe(false);
    await expectSameVideo(job.id);
  }, 120_000);
});

describe.sequential('a Redis that is frozen for 12 s', () => {
  it('aborts no render: every task needs one attempt', async () => {
    const job = await submitAndWaitForMiddle();
    process.kill(pidOf('redis'), 'SIGSTOP');
    await sleep(12_000);
    process.kill(pidOf('redis'), 'SIGCONT');
    const ended = await expectSameVideo(job.id);
    expect(ended.tasks.flatMap((task) => task.attempts.map((attempt) => attempt.status))).toEqual(
      ended.tasks.map(() => 'succeeded'),
    );
  }, 120_000);
});

describe.sequential('SIGTERM', () => {
  it('gives the task back immediately and counts no failure', async () => {
    const job = await submitAndWaitForMiddle();
    const pid = pidOf('worker');
    const running = job.tasks.find((task) => task.kind === 'render' && task.status === 'running')!;
    process.kill(pid, 'SIGTERM');
    const signalled = Date.now();
    while ((await getAttempts(test.records, running.id)).at(-1)?.status === 'running' && Date.now() - signalled < 5000)
      await sleep(10);
    const handedBackMs = Date.now() - signalled;
    expect((await getAttempts(test.records, running.id))[0]).toMatchObject({ status: 'interrupted', error: null });
    // The promise is one second, but the machine that runs the tests may be busy.
    expect(handedBackMs).toBeLessThan(2000);
    const ended = await expectSameVideo(job.id);
    expect(ended.tasks.map((task) => task.failures)).toEqual(ended.tasks.map(() => 0));
  }, 120_000);
});

describe.sequential('a drain', () => {
  it('finishes the current piece, gives back the rest and ends the worker', async () => {
    const job = await submitAndWaitForMiddle();
    const pid = pidOf('worker');
    const running = job.tasks.find((task) => task.kind === 'render' && task.status === 'running')!;
    process.kill(pid, 'SIGUSR2');
    while (isAlive(pid)) await sleep(20);
    const attempts = await getAttempts(test.records, running.id);
    expect(attempts[0]!.status).toMatch(/^(interrupted|succeeded)$/);
    const ended = await expectSameVideo(job.id);
    expect(ended.tasks.map((task) => task.failures)).toEqual(ended.tasks.map(() => 0));
  }, 120_000);
});

describe.sequential('a worker that is frozen past its lease', () => {
  it('cannot commit when it comes back after another one has taken over', async () => {
    const job = await submitAndWaitForMiddle();
    const frozen = pidOf('worker');
    process.kill(frozen, 'SIGSTOP');
    const other = await test.addWorker('other');
    const held = (state: JobDetail) => state.tasks.flatMap((task) => task.attempts).filter((a) => a.status === 'lost');
    const taken = await test.until(job.id, (state) => held(state).length > 0 || state.status === 'succeeded', 60);
    const lost = held(taken);
    expect(lost).toHaveLength(1);
    const committedByLost = [...(await committedBefore(job.id))].filter((key) => key.includes(lost[0]!.id));
    process.kill(frozen, 'SIGCONT');
    await expectSameVideo(job.id);
    const manifest = await test.manifest(job.id);
    const pieces = manifest.segments.flatMap((segment) => segment.pieces);
    expect(pieces.filter((piece) => piece.attemptId === lost[0]!.id)).toHaveLength(committedByLost.length);
    const attempts = (await test.client.getJob(job.id)).tasks.flatMap((task) => task.attempts);
    expect(attempts.find((attempt) => attempt.id === lost[0]!.id)?.status).toBe('lost');
    expect(attempts.some((attempt) => attempt.workerId === 'other' && attempt.status === 'succeeded')).toBe(true);
    await other.stop();
  }, 120_000);
});

describe.sequential('cancel', () => {
  it('stops the engine, leaves nothing claimable, and the sweep leaves only its inputs in storage', async () => {
    const job = await submitAndWaitForMiddle();
    const canceled = Date.now();
    await test.client.cancelJob(job.id);
    const state = async () => (await test.client.getJob(job.id)).status;
    while ((await state()) !== 'canceled' && Date.now() - canceled < 5000) await sleep(50);
    expect(await state()).toBe('canceled');
    // `canceled` is only reached once the engine has stopped; the promise is one second.
    expect(Date.now() - canceled).toBeLessThan(2000);
    expect(Object.values(await countClaimable(test.records)).reduce((sum, count) => sum + count, 0)).toBe(0);

    const { runOnce } = await import('@farm/scheduler/clean-storage');
    const { createStorage } = await import('@farm/storage');
    const storage = await createStorage({
      kind: 'filesystem',
      directory: test.farm.environment.FARM_STORAGE_DIRECTORY!,
      internalBaseUrl: test.farm.url,
      publicBaseUrl: test.farm.url,
      secret: 'only-for-signing-urls',
    });
    const log = { info() {} } as never;
    await runOnce({ records: test.records, storage, unreferencedMs: 0, log });
    const left: string[] = [];
    for await (const object of storage.list(`jobs/${job.id}/`)) left.push(object.key.split('/')[2]!);
    await storage.close();
    expect([...new Set(left)].sort()).toEqual(['input', 'log', 'prepared']);
    // The engine stays loaded for the next job.
    const next = await test.submit(speech);
    await expectSameVideo(next.id);
  }, 120_000);

  it('leaves no scratch folder behind', async () => {
    const scratch = join(test.farm.directory.path, 'scratch');
    const folders = await readdir(scratch);
    // The killed workers' folders went when the next one started.
    expect(folders).toEqual([expect.stringContaining(`-${pidOf('worker')}-`)]);
    // The attempt's own folder goes just after its job has ended.
    await expect.poll(() => readdir(join(scratch, folders[0]!))).toEqual([]);
  });
});
