// `npm run demo`: from a fresh clone to a video. The demo itself is a command of the `farm` program.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { projectRoot, reportFailure, setUp } from './setup.mjs';

try {
  await setUp();
  const farm = join(projectRoot, 'apps/cli/dist/main.js');
  process.argv = [process.argv[0], farm, 'demo', ...process.argv.slice(2)];
  await import(pathToFileURL(farm).href);
} catch (error) {
  reportFailure(error);
}
