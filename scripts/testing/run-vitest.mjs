import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../setup.mjs';
import { addCounts, judgeExit, noTests } from './counts.mjs';
import { runToEnd } from './run-to-end.mjs';

function countFile({ status, assertionResults }) {
  const count = (...states) => assertionResults.filter((result) => states.includes(result.status)).length;
  const counts = { passed: count('passed'), failed: count('failed'), skipped: count('pending', 'skipped', 'todo') };
  // A file that could not be loaded, or whose hooks failed, reports no failed test.
  return status === 'failed' && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

/**
 * Runs the TypeScript tests under `directory`, those whose paths contain one of `filters` if there are any;
 * `maxWorkers` files at a time, as vitest.config.ts has it by default.
 */
export async function runVitest({ directory, filters = [], maxWorkers, environment }) {
  const folder = await mkdtemp(join(tmpdir(), 'farm-vitest-'));
  try {
    const report = join(folder, 'report.json');
    const config = join(projectRoot, 'vitest.config.ts');
    const vitest = join(projectRoot, 'node_modules/vitest/vitest.mjs');
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    const args = [vitest, 'run', ...filters, `--config=${config}`, '--passWithNoTests', ...reporters];
    if (maxWorkers !== undefined) args.push(`--maxWorkers=${maxWorkers}`);
    const exitCode = await runToEnd(process.execPath, args, { cwd: directory, env: environment });
    const text = await readFile(report, 'utf8').catch(() => undefined);
    if (text === undefined) return { ...noTests, failed: 1 };
    return judgeExit(JSON.parse(text).testResults.map(countFile).reduce(addCounts, noTests), exitCode);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
