import { spawn } from 'node:child_process';
import { constants } from 'node:os';

/**
 * Runs a command on this terminal; resolves with its exit code, 128 + n after signal n as shells have it.
 * SIGTERM is passed on to the command; Ctrl-C reaches it from the terminal. This process ends after it.
 */
export function runToEnd(command, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'inherit', 'inherit'] });
    const terminate = () => child.kill('SIGTERM');
    const awaitEnd = () => {};
    process.on('SIGTERM', terminate).on('SIGINT', awaitEnd);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      process.off('SIGTERM', terminate).off('SIGINT', awaitEnd);
      resolve(code ?? 128 + constants.signals[signal]);
    });
  });
}
