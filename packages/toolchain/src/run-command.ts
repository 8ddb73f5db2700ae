import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { CommandFailedError } from './errors.js';

export interface CommandOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Aborting ends the whole process group, and the promise rejects once it is gone. */
  readonly signal?: AbortSignal | undefined;
  /** Called with every line of stdout and stderr. */
  readonly onLine?: (line: string) => void;
}

const KEPT_LINES = 15;
const ABORT_GRACE_MS = 3000;

function endGroup(pid: number): NodeJS.Timeout {
  const signalGroup = (signal: NodeJS.Signals) => {
    try {
      process.kill(-pid, signal);
    } catch {
      // The group has ended already.
    }
  };
  signalGroup('SIGTERM');
  return setTimeout(() => signalGroup('SIGKILL'), ABORT_GRACE_MS);
}

/** Passes on every line, and keeps all of stdout and the last lines of both streams. */
function collectLines(child: ChildProcessByStdio<null, Readable, Readable>, onLine: CommandOptions['onLine']) {
  const stdout: string[] = [];
  const lastLines: string[] = [];
  const keep = (line: string) => {
    lastLines.push(line);
    if (lastLines.length > KEPT_LINES) lastLines.shift();
    onLine?.(line);
  };
  createInterface({ input: child.stdout }).on('line', (line) => {
    stdout.push(line);
    keep(line);
  });
  createInterface({ input: child.stderr }).on('line', keep);
  return { stdout: () => stdout.join('\n'), lastLines: () => lastLines.join('\n') };
}

/**
 * Runs a command to its end and returns what it wrote to stdout.
 * @throws CommandFailedError with the end of its output; the signal's reason when aborted
 */
export function runCommand(options: CommandOptions): Promise<string> {
  const { signal } = options;
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const command = [options.command, ...options.args].join(' ');
    const child = spawn(options.command, [...options.args], {
      // A group of its own: Ctrl-C reaches only this process, which then ends the group as a whole.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: options.environment,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    const output = collectLines(child, options.onLine);
    let killTimer: NodeJS.Timeout | undefined;
    const onAbort = () => {
      if (child.pid !== undefined) killTimer = endGroup(child.pid);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    const settle = () => {
      clearTimeout(killTimer);
      signal?.removeEventListener('abort', onAbort);
    };
    child.once('error', (cause) => {
      settle();
      reject(new CommandFailedError({ command, output: cause.message, cause }));
    });
    child.once('close', (exitCode) => {
      settle();
      if (signal?.aborted) reject(signal.reason);
      else if (exitCode === 0) resolve(output.stdout());
      else reject(new CommandFailedError({ command, exitCode: exitCode ?? undefined, output: output.lastLines() }));
    });
  });
}
