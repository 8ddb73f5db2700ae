// `npm run build`, `typecheck` and `lint`: runs the tasks of these names in every workspace; options go to Turborepo.
import { projectRoot, reportFailure } from './setup.mjs';
import { runToEnd } from './testing/run-to-end.mjs';
import { turboCommand } from './turbo-command.mjs';

const { command, args, environment } = turboCommand({ tasks: process.argv.slice(2) });
try {
  process.exitCode = await runToEnd(command, args, { cwd: projectRoot, env: environment });
} catch (error) {
  reportFailure(error);
}
