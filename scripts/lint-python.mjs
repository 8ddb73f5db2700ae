// Lints the Python code under the given paths, or here, and checks its formatting, with the pinned ruff in an environment of its own.
import { openToolchain, reportFailure } from './setup.mjs';
import { runToEnd } from './testing/run-to-end.mjs';

const RUFF = 'ruff==0.17.6';

try {
  const { toolchain, context } = await openToolchain();
  const python = await toolchain.obtainPythonPackages(context, { label: 'the Python linter', requirements: [RUFF] });
  const paths = process.argv.length > 2 ? process.argv.slice(2) : ['.'];
  const ruff = (...args) => runToEnd(python, ['-m', 'ruff', ...args, '--no-cache', ...paths]);
  process.exitCode = (await ruff('check')) || (await ruff('format', '--check'));
} catch (error) {
  reportFailure(error);
}
