import type { CallOptions } from './media-tools.js';
import { runToSuccess } from './run-process.js';

/** Makes a FIFO that only this user may open. Node has no call of its own for it. */
export async function makeFifo(path: string, options: CallOptions = {}): Promise<void> {
  await runToSuccess({ command: 'mkfifo', args: ['-m', '600', path], timeoutMs: 10_000, ...options });
}
