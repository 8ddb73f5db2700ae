// `npm test [-- filter… | --force]`: the tests of every workspace; those that no change touches count from the cache,
// except with --force. With filters only the TypeScript tests whose paths contain one, never from the cache.
// FARM_REQUIRE_MINIO=1 makes a missing MinIO server a failure. FARM_TEST_SUMMARY names a file for the closing line.
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { obtainPrograms, openToolchain, projectRoot, reportFailure, setUp } from './setup.mjs';
import { addCounts, judgeRun, noTests, summaryLine } from './testing/counts.mjs';
import { endLeakedProcesses } from './testing/leaked-processes.mjs';
import { runAllWorkspaces } from './testing/run-all-workspaces.mjs';
import { runVitest } from './testing/run-vitest.mjs';

const engineDirectory = join(projectRoot, 'packages/engine');
const oneFailure = { ...noTests, failed: 1 };

async function obtainMinio({ toolchain, context }, environment) {
  const minio = await toolchain.obtainMinio(context);
  if ('path' in minio) {
    environment.FARM_MINIO = minio.path;
    environment.PATH += `:${dirname(minio.path)}`;
    return noTests;
  }
  const isRequired = process.env.FARM_REQUIRE_MINIO === '1';
  const verdict = isRequired ? 'FAILED' : 'SKIPPED';
  process.stderr.write(`\n${verdict}: the tests on a real MinIO server cannot run. ${minio.reason}\n\n`);
  return isRequired ? oneFailure : noTests;
}

/** Installs what the tests need of Python before any of them waits for it. */
async function obtainPythons({ toolchain, context }) {
  await toolchain.obtainPython(context, { packageDirectory: engineDirectory });
  await toolchain.obtainPython(context, { packageDirectory: engineDirectory, extras: ['liveavatar', 'test'] });
  return noTests;
}

/** Runs one part after the other and times each; a part that cannot run at all counts as one failure. */
function partRunner(signal) {
  const times = [];
  let counts = noTests;
  return {
    counts: () => counts,
    times,
    async run(name, work) {
      signal.throwIfAborted();
      const start = performance.now();
      try {
        counts = addCounts(counts, await work());
      } catch (error) {
        signal.throwIfAborted();
        reportFailure(error);
        counts = addCounts(counts, oneFailure);
      }
      times.push(`${name} ${((performance.now() - start) / 1000).toFixed(1)} s`);
    },
  };
}

async function runFiltered({ filters, environment }) {
  return judgeRun(await runVitest({ directory: projectRoot, filters, environment }), 0);
}

async function runTests({ filters, isForced }) {
  const setUpStart = performance.now();
  await setUp();
  const opened = await openToolchain();
  const environment = await obtainPrograms(opened);
  const run = randomUUID();
  environment.FARM_TEST_RUN = run;
  const parts = partRunner(opened.signal);
  const setUpTime = `setup ${((performance.now() - setUpStart) / 1000).toFixed(1)} s`;
  await parts.run('minio', () => obtainMinio(opened, environment));
  await parts.run('python', () => obtainPythons(opened));
  await parts.run('tests', () =>
    filters.length > 0 ? runFiltered({ filters, environment }) : runAllWorkspaces({ environment, isForced }),
  );
  // Also after Ctrl-C: what a test has started may not have heard it.
  const leaked = await endLeakedProcesses(`FARM_TEST_RUN=${run}`);
  opened.signal.throwIfAborted();
  return { counts: addCounts(parts.counts(), { ...noTests, failed: leaked }), times: [setUpTime, ...parts.times] };
}

try {
  const words = process.argv.slice(2);
  const filters = words.filter((word) => word !== '--force');
  const { counts, times } = await runTests({ filters, isForced: words.includes('--force') });
  process.exitCode = counts.failed > 0 ? 1 : 0;
  process.stdout.write(`\n${times.join(', ')}\n`);
  const summary = `${summaryLine(counts)}\n`;
  if (process.env.FARM_TEST_SUMMARY) await writeFile(process.env.FARM_TEST_SUMMARY, summary);
  else process.stdout.write(summary);
} catch (error) {
  reportFailure(error);
}
