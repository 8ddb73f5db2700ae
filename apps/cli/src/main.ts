import { Interruption } from './interruption.js';
import { createOutput } from './output/output.js';
import { runFarm } from './run-farm.js';

const controller = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort(new Interruption(signal, process.stdin));
  });
}
// `farm list | head` closes the pipe before the list is complete.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

const { env: environment, stdout, stderr } = process;
const output = createOutput({ stdout, stderr, environment });
process.exitCode = await runFarm(process.argv.slice(2), { environment, output, signal: controller.signal });
