import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ToolchainContext, toolchainContext } from './context.js';
import { MinioMissingError } from './errors.js';
import { onFreePort } from './free-port.js';
import { type GuardedProcess, startGuardedProcess } from './guarded-process.js';
import { logTail } from './log-tail.js';
import { obtainMinio } from './obtain-minio.js';
import { randomPassword } from './random-password.js';
import { ServerEndedError, ServerNotReadyError } from './server-errors.js';

export interface MinioServerOptions {
  /** Holds the objects and the log; created when missing. */
  readonly directory: string;
  /** `0.0.0.0` listens on every address. Default: only 127.0.0.1. */
  readonly host?: '127.0.0.1' | '0.0.0.0';
  /** Default: a free one. */
  readonly port?: number;
  /** Default: `farm`. */
  readonly accessKey?: string;
  /** Default: random, made again at every start. */
  readonly secretKey?: string;
  readonly context?: ToolchainContext;
}

export interface RunningMinioServer extends GuardedProcess {
  /** `http://127.0.0.1:port`, whatever other address it listens on. */
  readonly url: string;
  readonly port: number;
  readonly accessKey: string;
  readonly secretKey: string;
}

const START_TIMEOUT_MS = 60_000;
const LOG_FILE = 'minio.log';

async function waitUntilReady(server: GuardedProcess, port: number, directory: string): Promise<void> {
  let ended = false;
  void server.exited.then(() => {
    ended = true;
  });
  const deadline = Date.now() + START_TIMEOUT_MS;
  const url = `http://127.0.0.1:${port}/minio/health/ready`;
  while (!ended && Date.now() < deadline) {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) }).catch(() => null);
    // A server that is still starting also reports "ready" and "alive"; a header then says so.
    if (response?.ok && !response.headers.has('x-minio-server-status')) return;
    await sleep(50);
  }
  await server.stop();
  const log = await logTail(join(directory, LOG_FILE));
  if (ended) throw new ServerEndedError('MinIO', log);
  throw new ServerNotReadyError({ server: 'MinIO', port, timeoutMs: START_TIMEOUT_MS, log });
}

/**
 * Starts a private MinIO server and waits until it is ready.
 * @throws MinioMissingError when there is none; ServerStartError
 */
export async function startMinio(options: MinioServerOptions): Promise<RunningMinioServer> {
  const context = options.context ?? toolchainContext();
  const minio = await obtainMinio(context);
  if ('reason' in minio) {
    throw new MinioMissingError(minio.reason);
  }
  const start = (port: number) => startOn({ options, context, command: minio.path, port });
  return options.port === undefined ? onFreePort(start) : start(options.port);
}

interface MinioStart {
  options: MinioServerOptions;
  context: ToolchainContext;
  command: string;
  port: number;
}

async function startOn({ options, context, command, port }: MinioStart): Promise<RunningMinioServer> {
  const objects = join(options.directory, 'objects');
  await mkdir(objects, { recursive: true });
  const accessKey = options.accessKey ?? 'farm';
  const secretKey = options.secretKey ?? randomPassword();
  const server = await startGuardedProcess({
    command,
    args: ['server', '--quiet', '--address', `${options.host ?? '127.0.0.1'}:${port}`, objects],
    logFile: join(options.directory, LOG_FILE),
    cwd: options.directory,
    environment: {
      ...context.environment,
      MINIO_ROOT_USER: accessKey,
      MINIO_ROOT_PASSWORD: secretKey,
      MINIO_BROWSER: 'off',
      MINIO_UPDATE: 'off',
    },
  });
  await waitUntilReady(server, port, options.directory);
  return { ...server, port, url: `http://127.0.0.1:${port}`, accessKey, secretKey };
}
