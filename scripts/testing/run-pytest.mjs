import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { judgeRun, noTests } from './counts.mjs';
import { runToEnd } from './run-to-end.mjs';

/** Reads the totals of a JUnit report. */
function countReport(xml) {
  const suite = /<testsuite\s[^>]*>/.exec(xml)?.[0];
  if (suite === undefined) return noTests;
  const total = (name) => Number(new RegExp(`\\s${name}="(\\d+)"`).exec(suite)?.[1] ?? 0);
  const failed = total('failures') + total('errors');
  const skipped = total('skipped');
  return { passed: total('tests') - failed - skipped, failed, skipped };
}

/** Runs the tests of the Python package in `directory`, from its source. */
export async function runPytest({ python, directory, environment }) {
  const folder = await mkdtemp(join(tmpdir(), 'farm-pytest-'));
  try {
    const report = join(folder, 'report.xml');
    const args = [
      '-m',
      'pytest',
      '-q',
      '--durations=5',
      '--continue-on-collection-errors',
      '-p',
      'no:cacheprovider',
      `--junitxml=${report}`,
    ];
    const searchPath = [directory, environment.PYTHONPATH].filter(Boolean).join(delimiter);
    const exitCode = await runToEnd(python, args, { cwd: directory, env: { ...environment, PYTHONPATH: searchPath } });
    return judgeRun(countReport(await readFile(report, 'utf8').catch(() => '')), exitCode);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
