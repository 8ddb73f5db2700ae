import { join } from 'node:path';
import { projectRoot } from '../setup.mjs';
import { turboCommand } from '../turbo-command.mjs';
import { addCounts, judgeRun, noTests, summaryLine } from './counts.mjs';
import { runToEnd } from './run-to-end.mjs';
import { readReport, removeReport } from './test-report.mjs';
import { findWorkspaces } from './workspaces.mjs';

/** The counts of one workspace, from its report; without one it has crashed, which is a failure. */
async function countWorkspace({ folder, run }) {
  const report = await readReport(join(projectRoot, folder));
  if (report === undefined) {
    process.stderr.write(`${folder}: the tests ended without a report.\n`);
    return { ...noTests, failed: 1 };
  }
  if (report.run !== run) process.stdout.write(`${folder}: unchanged, ${summaryLine(report.counts)} (cached)\n`);
  return report.counts;
}

/**
 * Runs the tests of every workspace that a change touches, of every one if `isForced`, and adds up their counts.
 * `environment.FARM_TEST_RUN` tells the reports of this run from those that the cache restores.
 */
export async function runAllWorkspaces({ environment, isForced }) {
  const workspaces = await findWorkspaces();
  await Promise.all(workspaces.map(({ folder }) => removeReport(join(projectRoot, folder))));
  // Two workspaces at a time, each one file at a time: the tests start servers, and two fit a small machine.
  // Everything is built by now: --only keeps --force from building it again.
  const options = ['--concurrency=2', '--continue=dependencies-successful', ...(isForced ? ['--force', '--only'] : [])];
  const turbo = turboCommand({ tasks: ['test'], options, environment });
  const exitCode = await runToEnd(turbo.command, turbo.args, { cwd: projectRoot, env: turbo.environment });
  const run = environment.FARM_TEST_RUN;
  const counts = await Promise.all(workspaces.map(({ folder }) => countWorkspace({ folder, run })));
  return judgeRun(counts.reduce(addCounts, noTests), exitCode);
}
