import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../setup.mjs';
import { addCounts, judgeRun, noTests } from './counts.mjs';
import { runToEnd } from './run-to-end.mjs';

function countFile({ status, assertionResults }) {
  const count = (...states) => assertionResults.filter((result) => states.includes(result.status)).length;
  const counts = { passed: count('passed'), failed: count('failed'), skipped: count('pending', 'skipped', 'todo') };
  // A file that could not be loaded, or whose hooks failed, reports no failed test.
  return status === 'failed' && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

/** Runs the TypeScript tests, those whose file names contain one of `filters` if there are any. */
export async function runVitest({ filters, environment }) {
  const folder = await mkdtemp(join(tmpdir(), 'farm-vitest-'));
  try {
    const report = join(folder, 'report.json');
    const vitest = join(projectRoot, 'node_modules/vitest/vitest.mjs');
    const args = [vitest, 'run', ...filters, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    const exitCode = await runToEnd(process.execPath, args, { cwd: projectRoot, env: environment });
    const { testResults } = JSON.parse(await readFile(report, 'utf8').catch(() => '{"testResults":[]}'));
    return judgeRun(testResults.map(countFile).reduce(addCounts, noTests), exitCode);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
