import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ToolchainContext, toolchainContext } from './context.js';
import { ServerStartError, ToolMissingError } from './errors.js';
import { onFreePort } from './free-port.js';
import { type GuardedProcess, startGuardedProcess } from './guarded-process.js';
import { logTail } from './log-tail.js';
import { obtainMinio } from './obtain-minio.js';
import { randomPassword } from './random-password.js';

export interface MinioServerOptions {
  /** Holds the objects and the log; created when missing. */
  readonly directory: string;
  /** `0.0.0.0` listens on every address. Default: only 127.0.0.1. */
  readonly host?: '127.0.0.1' | '0.0.0.0';
  /** Default: a free one. */
  readonly port?: number;
  /** Default: random, made anew at every start. */
  readonly accessKey?: string;
  readonly secretKey?: string;
  readonly context?: ToolchainContext;
}

export interface RunningMinioServer extends GuardedProcess {
  /** `http://127.0.0.1:port`, whatever else it listens on. */
  readonly url: string;
  readonly port: number;
  readonly accessKey: string;
  readonly secretKey: string;
}

const ANSWER_TIMEOUT_MS = 60_000;
const LOG_FILE = 'minio.log';

async function waitUntilReady(server: GuardedProcess, url: string, directory: string): Promise<void> {
  let ended = false;
  void server.exited.then(() => {
    ended = true;
  });
  const deadline = Date.now() + ANSWER_TIMEOUT_MS;
  while (!ended && Date.now() < deadline) {
    const response = await fetch(`${url}/minio/health/ready`, { signal: AbortSignal.timeout(2000) }).catch(() => null);
    // "Ready" and "alive" are also answered by a server that is still starting; it then says so in a header.
    if (response?.ok && !response.headers.has('x-minio-server-status')) return;
    await sleep(50);
  }
  await server.stop();
  const reason = ended ? 'it ended at once' : `it is not ready after ${ANSWER_TIMEOUT_MS / 1000} s`;
  throw new ServerStartError({ server: 'MinIO', reason, log: await logTail(join(directory, LOG_FILE)) });
}

/**
 * Starts a private MinIO server and waits until it is ready.
 * @throws ToolMissingError when there is none to be had; ServerStartError.
 */
export async function startMinio(options: MinioServerOptions): Promise<RunningMinioServer> {
  const context = options.context ?? toolchainContext();
  const minio = await obtainMinio(context);
  if ('reason' in minio) {
    const remedy = 'Put a `minio` on the PATH, install Go 1.24 or newer, or set FARM_MINIO.';
    throw new ToolMissingError({ tool: 'MinIO', tried: minio.reason, remedy });
  }
  const start = (port: number) => startOn(options, context, minio.path, port);
  return options.port === undefined ? onFreePort(start) : start(options.port);
}

async function startOn(
  options: MinioServerOptions,
  context: ToolchainContext,
  command: string,
  port: number,
): Promise<RunningMinioServer> {
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
  const url = `http://127.0.0.1:${port}`;
  await waitUntilReady(server, url, options.directory);
  return { ...server, port, url, accessKey, secretKey };
}
