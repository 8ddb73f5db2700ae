import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { judgeRun, summaryLine } from './counts.mjs';
import { endLeakedProcesses } from './leaked-processes.mjs';
import { runPytest } from './run-pytest.mjs';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'farm-testing-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

/** A "Python" that writes the given JUnit report and ends with `exitCode`. */
async function pytestThatReports(suite: string, exitCode: number): Promise<string> {
  const program = join(folder, 'python');
  const script = `#!/bin/sh
for word in "$@"; do case "$word" in --junitxml=*) printf '%s' '${suite}' > "\${word#*=}" ;; esac; done
exit ${exitCode}
`;
  await writeFile(program, script, { mode: 0o755 });
  return program;
}

test('counts what pytest reports, errors as failures', async () => {
  const suite = '<testsuites><testsuite name="pytest" errors="1" failures="2" skipped="3" tests="10" time="1">';
  const python = await pytestThatReports(suite, 1);
  const counts = await runPytest({ python, directory: folder, environment: process.env });
  expect(counts).toEqual({ passed: 4, failed: 3, skipped: 3 });
  expect(summaryLine(counts)).toBe('4 passed, 3 failed, 3 skipped');
});

test('a runner that crashes without a report has failed', async () => {
  const python = await pytestThatReports('', 139);
  const counts = await runPytest({ python, directory: folder, environment: process.env });
  expect(counts).toEqual({ passed: 0, failed: 1, skipped: 0 });
});

test('a run without tests, with only skipped tests, or with a bad exit code has failed', () => {
  expect(judgeRun({ passed: 0, failed: 0, skipped: 0 }, 0).failed).toBe(1);
  expect(judgeRun({ passed: 0, failed: 0, skipped: 5 }, 0).failed).toBe(1);
  expect(judgeRun({ passed: 5, failed: 0, skipped: 0 }, 1).failed).toBe(1);
  expect(judgeRun({ passed: 5, failed: 0, skipped: 0 }, 0)).toEqual({ passed: 5, failed: 0, skipped: 0 });
});

test.runIf(process.platform === 'linux')(
  'finds and ends a process that has left its parent and its session',
  async () => {
    const marker = `FARM_LEAK_MARKER=${folder}`;
    const [name, value] = marker.split('=') as [string, string];
    const parent = spawn('/bin/sh', ['-c', 'setsid sleep 300 >/dev/null 2>&1 & sleep 0.3'], {
      env: { ...process.env, [name]: value },
      stdio: 'ignore',
    });
    await once(parent, 'exit');
    expect(await endLeakedProcesses(marker)).toBe(1);
    expect(await endLeakedProcesses(marker)).toBe(0);
  },
  15_000,
);

test('a filter that matches no test fails the whole command', async () => {
  const script = join(import.meta.dirname, '../test.mjs');
  const { code, output } = await new Promise<{ code: unknown; output: string }>((resolve) => {
    // The run that this test is part of may have named a file for its own summary.
    const env = { ...process.env, FARM_TEST_SUMMARY: '' };
    execFile(process.execPath, [script, 'no-file-is-named-like-this'], { env }, (error, stdout) =>
      resolve({ code: error?.code, output: stdout }),
    );
  });
  expect(code).toBe(1);
  expect(output.trimEnd().split('\n').at(-1)).toBe('0 passed, 1 failed');
}, 60_000);
