import type { CallOptions } from '../programs/media-tools.js';
import { runToSuccess } from '../programs/run-process.js';

/** As many paths as surely fit on one command line. */
const BATCH = 500;

/** Makes FIFOs that only this user may open. Node has no function for it. */
export async function makeFifos(paths: readonly string[], options: CallOptions = {}): Promise<void> {
  for (let i = 0; i < paths.length; i += BATCH) {
    const args = ['-m', '600', ...paths.slice(i, i + BATCH)];
    await runToSuccess({ command: 'mkfifo', args, timeoutMs: 10_000, ...options });
  }
}
