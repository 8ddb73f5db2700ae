import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasEnded, type JobDetail, type WorkerView } from '@farm/contracts';
import { sampleSpeech } from '@farm/local-farm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestFarm, type TestFarm } from './support/test-farm.js';

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

describe.sequential.each([
  ['exits with status 1', 'echo "CUDA driver version is insufficient" >&2; exit 1', 'engine-crashed'],
  ['exits with status 0', 'exit 0', 'engine-crashed'],
  ['lacks a module', 'exec "$python" -m farm_engine_that_is_missing', 'engine-crashed'],
  ['breaks the protocol', 'echo Loading; exec sleep 600', 'engine-protocol'],
])('a worker whose engine %s beside a healthy one', (name, body, code) => {
  it('fails no job, and is quarantined with its reason', async () => {
    const id = `broken-${name.replaceAll(' ', '-')}`;
    const python = await pythonThat(id, body);
    const broken = await test.addWorker(id, { FARM_PYTHON: python });
    const jobs = await ended(await submitted(8));
    expect(jobs.map((job) => job.status)).toEqual(Array(8).fill('succeeded'));
    const renders = jobs.flatMap((job) => job.tasks.filter((task) => task.kind === 'render'));
    expect(renders.flatMap((task) => task.attempts).filter((attempt) => attempt.workerId === id)).toEqual([]);
    await expect
      .poll(() => workerCalled(id), { timeout: 30_000 })
      .toMatchObject({
        status: 'quarantined',
        quarantine: { reason: { code } },
      });
    const metrics = await (await fetch(`${test.farm.url}/metrics`)).text();
    expect(metrics).toContain(`farm_worker_quarantined_since_seconds{worker="${id}",code="${code}"}`);

    // Repaired: it proves itself, and is back.
    await pythonThat(id, 'exec "$python" "$@"');
    await expect.poll(() => workerCalled(id), { timeout: 60_000 }).toMatchObject({ status: 'idle', quarantine: null });
    await broken.stop();
  }, 180_000);
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

describe.sequential('two processes with one id', () => {
  it('are seen: the older leaves and says why, and one that is killed is replaced immediately', async () => {
    const first = await test.addWorker('twin');
    await expect.poll(() => workerCalled('twin'), { timeout: 30_000 }).toMatchObject({ status: 'idle' });
    const second = await test.addWorker('twin', {}, 'second');
    expect((await first.exited).code).toBe(1);
    expect(await readFile(join(test.folder, 'twin.log'), 'utf8')).toContain('registered as worker twin');
    expect(await workerCalled('twin')).toBeDefined();
    process.kill(second.pid, 'SIGKILL');
    const third = await test.addWorker('twin', {}, 'third');
    await expect.poll(() => workerCalled('twin'), { timeout: 10_000 }).toMatchObject({ status: 'idle' });
    await sleep(3000);
    expect(await workerCalled('twin')).toMatchObject({ status: 'idle' });
    await third.stop();
  }, 90_000);
});
