// `npm test [-- filter…]`: every test of the project. With filters, only the TypeScript tests whose file names contain one.
// FARM_REQUIRE_MINIO=1 makes a missing MinIO server a failure. FARM_TEST_SUMMARY names a file for the closing line.
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { obtainPrograms, openToolchain, projectRoot, reportFailure, setUp } from './setup.mjs';
import { addCounts, noTests, summaryLine } from './testing/counts.mjs';
import { endLeakedProcesses } from './testing/leaked-processes.mjs';
import { runPytest } from './testing/run-pytest.mjs';
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

async function obtainEngineTestPython({ toolchain, context }) {
  return toolchain.obtainPython(context, { packageDirectory: engineDirectory, extras: ['liveavatar', 'test'] });
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

async function runTests(filters) {
  const setUpStart = performance.now();
  await setUp();
  const opened = await openToolchain();
  const environment = await obtainPrograms(opened);
  const marker = `FARM_TEST_RUN=${randomUUID()}`;
  environment.FARM_TEST_RUN = marker.split('=')[1];
  const parts = partRunner(opened.signal);
  const setUpTime = `setup ${((performance.now() - setUpStart) / 1000).toFixed(1)} s`;

  await parts.run('minio', () => obtainMinio(opened, environment));
  await parts.run('python', async () => {
    await opened.toolchain.obtainPython(opened.context, { packageDirectory: engineDirectory });
    return noTests;
  });
  let python;
  await parts.run('pytorch', async () => {
    python = await obtainEngineTestPython(opened);
    return noTests;
  });
  await parts.run('vitest', () => runVitest({ filters, environment }));
  if (filters.length === 0 && python)
    await parts.run('pytest', () => runPytest({ python, directory: engineDirectory, environment }));
  await parts.run('leaks', async () => ({ ...noTests, failed: await endLeakedProcesses(marker) }));
  return { counts: parts.counts(), times: [setUpTime, ...parts.times] };
}

try {
  const { counts, times } = await runTests(process.argv.slice(2));
  process.exitCode = counts.failed > 0 ? 1 : 0;
  process.stdout.write(`\n${times.join(', ')}\n`);
  const summary = `${summaryLine(counts)}\n`;
  if (process.env.FARM_TEST_SUMMARY) await writeFile(process.env.FARM_TEST_SUMMARY, summary);
  else process.stdout.write(summary);
} catch (error) {
  reportFailure(error);
}
