// Lints the Python code and checks its formatting, with a pinned ruff in an environment of its own.
import { openToolchain, projectRoot, reportFailure } from './setup.mjs';
import { runToEnd } from './testing/run-to-end.mjs';

const RUFF = 'ruff==0.17.6';

try {
  const { toolchain, context } = await openToolchain();
  const python = await toolchain.obtainPythonPackages(context, { label: 'the Python linter', requirements: [RUFF] });
  const ruff = (...args) => runToEnd(python, ['-m', 'ruff', ...args, '--no-cache', '.'], { cwd: projectRoot });
  process.exitCode = (await ruff('check')) || (await ruff('format', '--check'));
} catch (error) {
  reportFailure(error);
}
