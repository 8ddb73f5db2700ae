import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { ServerWithoutProcessIdError } from './server-errors.js';

export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A server process that does not outlive the process that started it. */
export interface GuardedProcess {
  readonly pid: number;
  /** Settles when the process has ended and was reaped. */
  readonly exited: Promise<ProcessExit>;
  /** SIGTERM, then SIGKILL after `graceMs` (5000); resolves once the process is gone. May be called again. */
  stop(options?: { graceMs?: number }): Promise<void>;
}

export interface GuardedProcessOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** stdout and stderr are appended here: a file outlives the parent, where a pipe would break. */
  readonly logFile: string;
  readonly environment?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

// Reads until the parent's end of the pipe closes, however the parent died, then ends the process it guards.
const GUARD_SCRIPT = `
trap '' INT HUP
read -r _
kill -TERM "$1" 2>/dev/null || exit 0
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  kill -0 "$1" 2>/dev/null || exit 0
  sleep 0.1
done
kill -KILL "$1" 2>/dev/null
`;

function startGuard(pid: number): ChildProcess {
  const guard = spawn('/bin/sh', ['-c', GUARD_SCRIPT, 'farm-guard', String(pid)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guard.on('error', () => undefined);
  guard.unref();
  const { stdin } = guard;
  stdin?.on('error', () => undefined);
  if (stdin && 'unref' in stdin && typeof stdin.unref === 'function') stdin.unref();
  return guard;
}

/**
 * Starts a server in a session of its own, so that Ctrl-C reaches only the farm, which then stops its servers in order.
 * A small shell watches it: when this process dies, even by SIGKILL, the server gets SIGTERM, and SIGKILL 2 s later.
 * The handles are unreferenced: they do not keep an otherwise finished program alive.
 */
export async function startGuardedProcess(options: GuardedProcessOptions): Promise<GuardedProcess> {
  const log = openSync(options.logFile, 'a', 0o600);
  const child = spawn(options.command, [...options.args], {
    detached: true,
    stdio: ['ignore', log, log],
    env: options.environment ?? process.env,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  closeSync(log);
  const exited = new Promise<ProcessExit>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  await once(child, 'spawn');
  const { pid } = child;
  if (pid === undefined) throw new ServerWithoutProcessIdError(options.command);
  const guard = startGuard(pid);
  // SIGKILL, not a closed pipe: after the exit the pid may already belong to someone else.
  void exited.then(() => guard.kill('SIGKILL'));
  child.unref();

  return {
    pid,
    exited,
    async stop({ graceMs = 5000 } = {}) {
      child.ref();
      child.kill('SIGTERM');
      const kill = setTimeout(() => child.kill('SIGKILL'), graceMs);
      await exited;
      clearTimeout(kill);
    },
  };
}
