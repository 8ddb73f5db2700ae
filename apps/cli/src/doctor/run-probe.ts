import { execFile } from 'node:child_process';
import type { ProbeOutput } from './probe-results.js';

/** Importing PyTorch from a slow disk is slow. */
const TIMEOUT_SECONDS = 60;
const MOST_OUTPUT_BYTES = 4 * 1024 * 1024;

/** Runs a program and keeps its output, failures included. */
export function runProbe(
  command: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<ProbeOutput> {
  return new Promise((resolve) => {
    const options = { env: environment, timeout: TIMEOUT_SECONDS * 1000, maxBuffer: MOST_OUTPUT_BYTES };
    execFile(command, [...args], options, (error, stdout, stderr) => {
      if (error === null) return resolve({ kind: 'ran', exitCode: 0, stdout, stderr });
      if (error.code === 'ENOENT' || error.code === 'EACCES') return resolve({ kind: 'missing' });
      if (error.killed) return resolve({ kind: 'timed-out', seconds: TIMEOUT_SECONDS });
      resolve({ kind: 'ran', exitCode: typeof error.code === 'number' ? error.code : 1, stdout, stderr });
    });
  });
}
