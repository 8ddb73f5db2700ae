import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { MediaError } from './media-error.js';
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

// The shell becomes the program when it is told to, and ends if nobody is left to tell it.
const WHEN_TOLD = 'read -r go <&4 && exec 4<&- && exec "$@"';
/** How a shell ends that cannot start a program: it may not, or there is none. */
const CANNOT_START: readonly (number | null)[] = [126, 127];

/** Starts a program that cannot outlive this process, whenever that is killed. */
function started({ command, args, stdin }: RunProcessOptions): { child: ChildProcess; release: () => void } {
  // A process group of its own: Ctrl-C reaches the farm, which then ends its processes in order.
  const options: SpawnOptions = { detached: true, stdio: [stdin ?? 'ignore', 'pipe', 'pipe', 'pipe', 'pipe'] };
  const child = spawn('/bin/sh', ['-c', WHEN_TOLD, 'sh', command, ...args], options);
  const release = child.pid === undefined ? () => undefined : guardProcess(child.pid);
  const tell = child.stdio[4] as Writable | null | undefined;
  tell?.on('error', () => undefined); // it was killed before it was told
  tell?.end('go\n');
  return { child, release };
}

/**
 * Runs a program to its end and returns how it ended, a failure included. An abort, a timeout and too much output kill
 * it; the promise settles only when it is gone.
 *
 * @throws MediaError `ffmpeg-missing`, `ffmpeg-timeout`
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
    if (timedOut) throw timeoutError(command, timeoutMs, stderr());
    if (CANNOT_START.includes(exitCode)) throw missingError(command, stderr());
    return { exitCode, exitSignal, stdout: stdout(), progress: progress().toString('utf8'), stderr: stderr() };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', kill);
    release();
  }
}

/** As `runProcess`, for programs whose failure is nobody's input: an exit other than 0 is an error. */
export async function runToSuccess(options: RunProcessOptions): Promise<FinishedProcess> {
  const finished = await runProcess(options);
  if (finished.exitCode === 0) return finished;
  throw failedError(options.command, finished);
}

export function failedError(command: string, finished: FinishedProcess): MediaError {
  const ending = finished.exitSignal === null ? `exit code ${finished.exitCode}` : `signal ${finished.exitSignal}`;
  const message = `${command} ended with ${ending}. Its last words: ${finished.stderr || '(none)'}`;
  const { exitCode, exitSignal, stderr } = finished;
  return new MediaError('ffmpeg-failed', message, { data: { exitCode, exitSignal, stderr } });
}

function timeoutError(command: string, timeoutMs: number, stderr: string): MediaError {
  const message = `${command} had not finished after ${timeoutMs / 1000} s and was ended. Its last words: ${stderr || '(none)'}`;
  return new MediaError('ffmpeg-timeout', message, { data: { timeoutMs, stderr } });
}

function missingError(command: string, stderr: string): MediaError {
  const message = `${command} cannot be started. Install ffmpeg 4.2 or later (it brings ffprobe), or correct its path.`;
  return new MediaError('ffmpeg-missing', message, { data: { command, stderr } });
}
