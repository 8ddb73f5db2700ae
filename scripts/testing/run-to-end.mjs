import { spawn } from 'node:child_process';
import { constants } from 'node:os';

/** Runs a command on this terminal; resolves with its exit code, or 128 + n after signal n, as shells do. */
export function runToEnd(command, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'inherit', 'inherit'] });
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
}
