import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { FfmpegFailedError, FfmpegMissingError, FfmpegTimeoutError } from './errors.js';
import type { CallOptions } from './media-tools.js';
import { guardProcess } from './process-guard.js';

const STDERR_TAIL_BYTES = 4096;
const DEFAULT_TIMEOUT_MS = 120_000;

export interface RunProcessOptions extends CallOptions {
  command: string;
  args: readonly string[];
  /** A file descriptor that the process reads as its standard input. */
  stdin?: number | undefined;
  /** More output than this ends the process. */
  maximumOutputBytes?: number;
}

export interface FinishedProcess {
  exitCode: number | null;
  exitSignal: NodeJS.Signals | null;
  stdout: Buffer;
  /** What it wrote to descriptor 3. */
  progress: string;
  /** The last lines of standard error. */
  stderr: string;
}

function collect(stream: Readable | null | undefined, limit: number, overflow: () => void): () => Buffer {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream?.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > limit) overflow();
    else chunks.push(chunk);
  });
  return () => Buffer.concat(chunks);
}

function collectTail(stream: Readable | null, limit: number): () => string {
  let tail = Buffer.alloc(0);
  stream?.on('data', (chunk: Buffer) => {
    tail = Buffer.concat([tail, chunk]).subarray(-limit);
  });
  return () => tail.toString('utf8').trim();
}

// The shell waits for a line before it becomes the program, and ends if nobody is left to send one.
const WAIT_FOR_START = 'read -r go <&4 && exec 4<&- && exec "$@"';
/** Exit codes of a shell that cannot start a program: it is not executable, or there is none. */
const CANNOT_START: readonly (number | null)[] = [126, 127];

/** Starts a program that cannot outlive this process, whenever that is killed. */
function started({ command, args, stdin }: RunProcessOptions): { child: ChildProcess; release: () => void } {
  // A process group of its own: Ctrl-C reaches the farm, which then ends its processes in order.
  const options: SpawnOptions = { detached: true, stdio: [stdin ?? 'ignore', 'pipe', 'pipe', 'pipe', 'pipe'] };
  const child = spawn('/bin/sh', ['-c', WAIT_FOR_START, 'sh', command, ...args], options);
  const release = child.pid === undefined ? () => undefined : guardProcess(child.pid);
  const startSignal = child.stdio[4] as Writable | null | undefined;
  startSignal?.on('error', () => undefined); // it was killed before it could start
  startSignal?.end('go\n');
  return { child, release };
}

/**
 * Runs a program to its end and returns how it ended, a failure included. An abort, a timeout and too much output kill
 * it; the promise settles only when it is gone.
 *
 * @throws FfmpegMissingError, FfmpegTimeoutError
 */
export async function runProcess(options: RunProcessOptions): Promise<FinishedProcess> {
  const { command, signal, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  signal?.throwIfAborted();
  const { child, release } = started(options);
  const kill = () => void child.kill('SIGKILL');
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    kill();
  }, timeoutMs);
  signal?.addEventListener('abort', kill, { once: true });

  const limit = options.maximumOutputBytes ?? 16 * 1024 * 1024;
  const stdout = collect(child.stdout, limit, kill);
  const progress = collect(child.stdio[3] as Readable | null | undefined, limit, kill);
  const stderr = collectTail(child.stderr, STDERR_TAIL_BYTES);
  try {
    const [exitCode, exitSignal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, killedBy) => resolve([code, killedBy]));
    });
    if (signal?.aborted) throw signal.reason;
    if (timedOut) throw new FfmpegTimeoutError(command, timeoutMs, stderr());
    if (CANNOT_START.includes(exitCode)) throw new FfmpegMissingError(command, stderr());
    return { exitCode, exitSignal, stdout: stdout(), progress: progress().toString('utf8'), stderr: stderr() };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', kill);
    release();
  }
}

/** As `runProcess`, for programs whose failure is not the input's fault: an exit code other than 0 is an error. */
export async function runToSuccess(options: RunProcessOptions): Promise<FinishedProcess> {
  const { command } = options;
  const finished = await runProcess(options);
  if (finished.exitCode === 0) return finished;
  throw new FfmpegFailedError({ command, ...finished });
}
