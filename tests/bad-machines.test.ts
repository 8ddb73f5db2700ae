import { chmod, cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasEnded, type JobDetail, type WorkerView } from '@farm/contracts';
import { enginePath, sampleSpeech } from '@farm/local-farm';
import { LEASE_MS } from '@farm/records';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestFarm, repeatedSpeech, type TestFarm } from './support/test-farm.js';

let test: TestFarm;

beforeAll(async () => {
  test = await openTestFarm();
}, 120_000);
afterAll(() => test.close());

/** A Python of which `body`, a shell script, decides what becomes of an engine; `"$python" "$@"` starts it. */
async function pythonThat(name: string, body: string): Promise<string> {
  const path = join(test.folder, name);
  await writeFile(path, `#!/bin/sh\npython=${test.farm.environment.FARM_PYTHON}\n${body}\n`);
  await chmod(path, 0o755);
  return path;
}

async function ended(jobIds: string[], seconds = 90): Promise<JobDetail[]> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const jobs = await Promise.all(jobIds.map((id) => test.client.getJob(id)));
    if (jobs.every((job) => hasEnded(job.status))) return jobs;
    if (Date.now() > deadline) throw new Error(JSON.stringify(jobs, undefined, 1));
    await sleep(500);
  }
}

const workerCalled = async (id: string): Promise<WorkerView | undefined> =>
  (await test.client.listWorkers()).find((worker) => worker.id === id);

const submitted = async (count: number) => {
  const jobs: string[] = [];
  for (let i = 0; i < count; i += 1) jobs.push((await test.submit(sampleSpeech, { size: '128*128' })).id);
  return jobs;
};

const brokenEngines = [
  { id: 'exits-with-1', body: 'echo "No CUDA driver" >&2; exit 1', code: 'engine-crashed' },
  { id: 'exits-with-0', body: 'exit 0', code: 'engine-crashed' },
  { id: 'lacks-a-module', body: 'exec "$python" -m farm_engine_that_is_missing', code: 'engine-crashed' },
  { id: 'breaks-the-protocol', body: 'echo Loading; exec sleep 600', code: 'engine-protocol' },
];

describe.sequential('workers whose engines do not start beside a healthy one', () => {
  it('fail no job, and are quarantined with their reasons until they have proved themselves', async () => {
    const broken = await Promise.all(
      brokenEngines.map(async ({ id, body }) => test.addWorker(id, { FARM_PYTHON: await pythonThat(id, body) })),
    );
    const jobs = await ended(await submitted(8));
    expect(jobs.map((job) => job.status)).toEqual(Array(8).fill('succeeded'));
    const renders = jobs.flatMap((job) => job.tasks.filter((task) => task.kind === 'render'));
    expect(renders.flatMap((task) => task.attempts).map((attempt) => attempt.status)).toEqual(
      Array(8).fill('succeeded'),
    );
    for (const { id, code } of brokenEngines)
      await expect
        .poll(() => workerCalled(id), { timeout: 30_000 })
        .toMatchObject({ status: 'quarantined', quarantine: { reason: { code } } });
    const metrics = await (await fetch(`${test.farm.url}/metrics`)).text();
    expect(metrics).toContain('farm_worker_quarantined_since_seconds{worker="exits-with-1",code="engine-crashed"}');

    await pythonThat('exits-with-0', 'exec "$python" "$@"');
    const repaired = { status: 'idle', quarantine: null };
    await expect.poll(() => workerCalled('exits-with-0'), { timeout: 60_000 }).toMatchObject(repaired);
    // Another process of the same id starts in quarantine, and proves itself immediately.
    await broken[0]!.stop();
    expect(await workerCalled('exits-with-1')).toMatchObject({ status: 'offline', quarantine: {} });
    await pythonThat('exits-with-1', 'exec "$python" "$@"');
    broken.push(await test.addWorker('exits-with-1', { FARM_PYTHON: join(test.folder, 'exits-with-1') }, 'again'));
    await expect.poll(() => workerCalled('exits-with-1'), { timeout: 30_000 }).toMatchObject(repaired);
    await Promise.all(broken.map((worker) => worker.stop()));
  }, 240_000);
});

/**
 * Wraps the engine: a render whose prompt has `word` in it kills the engine, whatever machine it is on. Commands pass
 * through `tee`, and the death is in the middle of the render.
 */
const poisonedBy = (word: string) => `exec "$python" -c '
import subprocess, sys, threading
engine = subprocess.Popen([sys.argv[1], *sys.argv[2:]], stdin=subprocess.PIPE)
def read():
    for line in sys.stdin.buffer:
        if b"${word}" in line:
            engine.kill()
        engine.stdin.write(line)
        engine.stdin.flush()
    engine.stdin.close()
threading.Thread(target=read, daemon=True).start()
sys.exit(1 if engine.wait() else 0)
' "$python" "$@"`;

describe.sequential('a job that kills the engine on every machine', () => {
  it('fails with its reason; no worker stays quarantined, and other jobs succeed', async () => {
    const python = await pythonThat('poisonable', poisonedBy('arsenic'));
    const workers = [
      await test.addWorker('one', { FARM_PYTHON: python }),
      await test.addWorker('two', { FARM_PYTHON: python }),
    ];
    // The farm's own worker leaves, so that every render meets these two.
    process.kill(test.farm.processes().worker!, 'SIGSTOP');
    try {
      await expect.poll(() => workerCalled('one'), { timeout: 30_000 }).toMatchObject({ status: 'idle' });
      await expect.poll(() => workerCalled('two'), { timeout: 30_000 }).toMatchObject({ status: 'idle' });
      const before = await submitted(3);
      const poison = await test.submit(sampleSpeech, { size: '128*128', prompt: 'arsenic' });
      const after = await submitted(3);
      const [poisoned, ...others] = await ended([poison.id, ...before, ...after]);
      expect(others.map((job) => job.status)).toEqual(Array(6).fill('succeeded'));
      expect(poisoned).toMatchObject({ status: 'failed', error: { code: 'engine-crashed' } });
      const render = poisoned!.tasks.find((task) => task.kind === 'render')!;
      expect(new Set(render.attempts.map((attempt) => attempt.workerId)).size).toBe(2);
      expect(render.attempts.map((attempt) => attempt.failureClass)).toEqual(render.attempts.map(() => 'machine'));
      expect(await workerCalled('one')).toMatchObject({ quarantine: null });
      expect(await workerCalled('two')).toMatchObject({ quarantine: null });
    } finally {
      process.kill(test.farm.processes().worker!, 'SIGCONT');
      for (const worker of workers) await worker.stop();
    }
  }, 180_000);
});

describe.sequential('a lone worker', () => {
  it('whose engine crashes once tries again at once, and the manifest says what happened', async () => {
    const marker = join(test.folder, 'has-crashed');
    const once = `if [ -e ${marker} ]; then exec "$python" "$@"; fi; touch ${marker}\n${poisonedBy('render')}`;
    const python = await pythonThat('crashes-once', once);
    process.kill(test.farm.processes().worker!, 'SIGSTOP');
    const lone = await test.addWorker('lone', { FARM_PYTHON: python });
    try {
      await expect.poll(() => workerCalled('lone'), { timeout: 30_000 }).toMatchObject({ status: 'idle' });
      const [job] = await ended(await submitted(1));
      expect(job!.status).toBe('succeeded');
      const { attempts } = job!.tasks.find((task) => task.kind === 'render')!;
      expect(attempts.map(({ status, failureClass }) => [status, failureClass])).toEqual([
        ['failed', 'machine'],
        ['succeeded', null],
      ]);
      const manifest = await test.manifest(job!.id);
      expect(manifest.attempts.map((attempt) => attempt.failureClass)).toContain('machine');
      // It was a minute once; loading the engine again is part of it.
      expect(Date.parse(attempts[1]!.startedAt) - Date.parse(attempts[0]!.endedAt!)).toBeLessThan(15_000);
    } finally {
      process.kill(test.farm.processes().worker!, 'SIGCONT');
      await lone.stop();
    }
  }, 180_000);
});

describe.sequential('workers with different versions of the engine', () => {
  it('are named by the job and by its manifest', async () => {
    const path = join(test.folder, 'other-engine');
    await cp(enginePath, path, { recursive: true });
    await writeFile(join(path, 'farm_engine', '__init__.py'), '__version__ = "9.9.9"\n');
    const job = await test.submit(await repeatedSpeech(test.folder, 4));
    await test.until(job.id, (state) => state.progress.framesDone > 100);
    const old = test.farm.processes().worker!;
    process.kill(old, 'SIGSTOP');
    const other = await test.addWorker('other', { FARM_ENGINE_PATH: path });
    try {
      const { warnings } = await test.until(job.id, (state) => state.status === 'succeeded');
      const manifest = await test.manifest(job.id);
      const versions = manifest.segments.flatMap(({ pieces }) => pieces.map((piece) => piece.engineVersion));
      expect(new Set(versions).size).toBe(2);
      for (const said of [warnings, manifest.warnings])
        expect(said).toContainEqual({
          code: 'engine-versions-mixed',
          message: expect.stringMatching(/segment.* by 0\.1\.0, segment.* by 9\.9\.9\./),
        });
    } finally {
      process.kill(old, 'SIGCONT');
      await other.stop();
    }
  }, 180_000);
});

describe.sequential('two processes with one id', () => {
  it('are seen: the newer leaves and says why, and one that is killed or frozen is replaced', async () => {
    const first = await test.addWorker('twin');
    await expect.poll(() => workerCalled('twin'), { timeout: 30_000 }).toMatchObject({ status: 'idle' });
    const second = await test.addWorker('twin', {}, 'second');
    expect((await second.exited).code).toBe(1);
    expect(await readFile(join(test.folder, 'second.log'), 'utf8')).toContain('runs as worker twin');
    expect(await workerCalled('twin')).toMatchObject({ status: 'idle' });
    process.kill(first.pid, 'SIGSTOP');
    const third = await test.addWorker('twin', {}, 'third');
    await sleep(LEASE_MS + 1000);
    await expect.poll(() => workerCalled('twin'), { timeout: 10_000 }).toMatchObject({ status: 'idle' });
    process.kill(first.pid, 'SIGCONT');
    expect((await first.exited).code).toBe(1);
    expect(await readFile(join(test.folder, 'twin.log'), 'utf8')).toContain('registered as worker twin');
    expect(await workerCalled('twin')).toMatchObject({ status: 'idle' });
    await third.stop();
  }, 120_000);
});
