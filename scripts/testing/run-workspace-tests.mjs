// The `test` script of a workspace, with `vitest` or `pytest`: runs its tests and leaves their counts for `npm test`.
import { openToolchain, reportFailure } from '../setup.mjs';
import { runPytest } from './run-pytest.mjs';
import { runVitest } from './run-vitest.mjs';
import { removeReport, writeReport } from './test-report.mjs';

const directory = process.cwd();
const environment = process.env;
// Under `npm test`, which runs two workspaces at a time, each runs one file at a time.
const maxWorkers = environment.FARM_TEST_RUN ? 1 : undefined;

const runners = {
  vitest: () => runVitest({ directory, maxWorkers, environment }),
  async pytest() {
    const { toolchain, context } = await openToolchain();
    const python = await toolchain.obtainPython(context, {
      packageDirectory: directory,
      extras: ['liveavatar', 'test'],
    });
    return runPytest({ python, directory, environment });
  },
};

try {
  await removeReport(directory);
  const counts = await runners[process.argv[2]]();
  await writeReport(directory, { counts, run: environment.FARM_TEST_RUN });
  process.exitCode = counts.failed > 0 ? 1 : 0;
} catch (error) {
  reportFailure(error);
}
