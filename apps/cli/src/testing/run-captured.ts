import { createOutput } from '../output/output.js';
import { runFarm } from '../run-farm.js';

export interface CapturedRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CaptureOptions {
  readonly environment?: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal;
  readonly onStdout?: (text: string) => void;
  readonly onStderr?: (text: string) => void;
}

/** Runs `farm` in this process, as if on a pipe, and keeps what it writes. */
export async function runCaptured(commandLine: readonly string[], options: CaptureOptions = {}): Promise<CapturedRun> {
  const written = { stdout: '', stderr: '' };
  const stream = (name: keyof typeof written) => ({
    write: (text: string) => {
      written[name] += text;
      (name === 'stdout' ? options.onStdout : options.onStderr)?.(text);
      return true;
    },
  });
  const environment = options.environment ?? {};
  const output = createOutput({ stdout: stream('stdout'), stderr: stream('stderr'), environment });
  const signal = options.signal ?? new AbortController().signal;
  const code = await runFarm(commandLine, { environment, output, signal });
  return { code, ...written };
}
