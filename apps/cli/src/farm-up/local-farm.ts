import { readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  obtainFfmpeg,
  obtainPython,
  obtainRedisServer,
  startGuardedProcess,
  startMinio,
  startRedisServer,
  type ToolchainContext,
} from '@farm/toolchain';
import { CommandError, exitCodes } from '../exit-codes.js';
import { type DataDirectory, openDataDirectory, removeFarmFile, secretIn, writeFarmFile } from './data-directory.js';
import { Supervisor } from './supervisor.js';

export interface LocalFarmOptions {
  readonly directory: string;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly storage: 'filesystem' | 'minio';
  readonly engine: 'draft' | 'liveavatar';
  /** Further words for the engine's command line. */
  readonly engineArguments: readonly string[];
  /** Where other machines reach the API; default: host and port. */
  readonly publicUrl?: string | undefined;
  readonly toolchain: ToolchainContext;
  /** A part ended by itself and is started again. */
  readonly onTrouble: (message: string) => void;
}

export interface LocalFarm {
  readonly url: string;
  readonly adminKey: string;
  /** This start made the key: the person has not seen it yet. */
  readonly adminKeyIsNew: boolean;
  readonly directory: DataDirectory;
  /** What another worker needs to join this farm. */
  readonly environment: NodeJS.ProcessEnv;
  processes(): Record<string, number>;
  /** Ends every process of the farm; what is committed stays in the folder. */
  stop(): Promise<void>;
}

const READY_TIMEOUT_MS = 60_000;
const projectFile = (path: string) => fileURLToPath(new URL(`../../../../${path}`, import.meta.url));
const enginePath = projectFile('packages/engine');

/** Starts a whole farm on this machine: redis-server, storage, API, scheduler, one worker. */
export async function startLocalFarm(options: LocalFarmOptions): Promise<LocalFarm> {
  const { toolchain } = options;
  const port = await checkedPort(options.host, options.port);
  const directory = await openDataDirectory(options.directory);
  const url = `http://${options.host}:${port}`;
  const adminKeyIsNew = !(await stat(directory.adminKeyFile).catch(() => undefined));
  await obtainRedisServer(toolchain);
  const { ffmpeg, ffprobe } = await obtainFfmpeg(toolchain);
  const python = await obtainPython(toolchain, {
    packageDirectory: enginePath,
    extras: options.engine === 'draft' ? [] : ['liveavatar'],
  });

  let written = Promise.resolve();
  const supervisor = new Supervisor({
    onEnded: (name, how, ms) =>
      options.onTrouble(
        `${name} ended (${how}); it starts again in ${(ms / 1000).toFixed(1)} s. Log: ${directory.logs}/${name}.log`,
      ),
    onStarted: () => {
      const content = { url, pid: process.pid, processes: supervisor.processes() };
      written = written.then(() => writeFarmFile(directory.path, content)).catch(() => {});
    },
  });
  const stop = async () => {
    await supervisor.stop();
    await written;
    await removeFarmFile(directory.path);
  };
  try {
    const environment: NodeJS.ProcessEnv = {
      ...toolchain.environment,
      REDIS_URL: await addRedis(supervisor, directory, toolchain),
      ...(await addStorage(supervisor, directory, options)),
      FARM_HOST: options.host,
      FARM_PORT: String(port),
      FARM_PUBLIC_URL: options.publicUrl ?? url,
      FARM_INTERNAL_URL: url,
      FARM_ADMIN_KEY_FILE: directory.adminKeyFile,
      FARM_SIGNING_SECRET_FILE: directory.signingSecretFile,
      FARM_FFMPEG: ffmpeg,
      FARM_FFPROBE: ffprobe,
      FARM_PYTHON: python,
      FARM_ENGINE: options.engine,
      FARM_ENGINE_PATH: enginePath,
      FARM_ENGINE_ARGUMENTS: options.engineArguments.join(' '),
      FARM_SCRATCH_DIRECTORY: directory.scratch,
    };
    for (const [name, entry] of [
      ['api', 'apps/api/dist/server.js'],
      ['scheduler', 'apps/scheduler/dist/main.js'],
      ['worker', 'apps/worker/dist/main.js'],
    ] as const) {
      const logFile = join(directory.logs, `${name}.log`);
      const start = () =>
        startGuardedProcess({ command: process.execPath, args: [projectFile(entry)], logFile, environment });
      await supervisor.add({ name, start });
    }
    await waitUntilReady(url, directory, toolchain.signal);
    const adminKey = (await readFile(directory.adminKeyFile, 'utf8')).trim();
    return { url, adminKey, adminKeyIsNew, directory, environment, processes: () => supervisor.processes(), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function addRedis(supervisor: Supervisor, directory: DataDirectory, context: ToolchainContext): Promise<string> {
  const password = await secretIn(join(directory.path, 'redis.password'));
  let url = '';
  let port: number | undefined;
  const start = async () => {
    // Started again it keeps its port: the other parts hold on to the address.
    const server = await startRedisServer({ directory: directory.redis, password, context, ...(port && { port }) });
    ({ url, port } = server);
    return server;
  };
  await supervisor.add({ name: 'redis', start });
  return url;
}

async function addStorage(
  supervisor: Supervisor,
  directory: DataDirectory,
  options: LocalFarmOptions,
): Promise<Record<string, string>> {
  if (options.storage === 'filesystem')
    return { FARM_STORAGE: 'filesystem', FARM_STORAGE_DIRECTORY: directory.objects };
  const secretKey = await secretIn(join(directory.path, 'minio.secret'));
  const accessKey = 'farm';
  let url = '';
  let port: number | undefined;
  const start = async () => {
    const server = await startMinio({
      directory: directory.minio,
      accessKey,
      secretKey,
      context: options.toolchain,
      ...(port && { port }),
    });
    ({ url, port } = server);
    return server;
  };
  await supervisor.add({ name: 'minio', start });
  return {
    FARM_STORAGE: 's3',
    S3_ENDPOINT: url,
    S3_BUCKET: 'farm',
    S3_ACCESS_KEY_ID: accessKey,
    S3_SECRET_ACCESS_KEY: secretKey,
  };
}

/** The port itself, or a free one for 0. @throws CommandError that names a port in use */
async function checkedPort(host: string, port: number): Promise<number> {
  const server = createServer();
  try {
    return await new Promise<number>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, () => resolve((server.address() as { port: number }).port));
    });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const message =
      code === 'EADDRINUSE'
        ? `Port ${port} is in use by another program. Choose another one with --port, or 0 for any free one.`
        : `The farm cannot listen on ${host}:${port} (${code}). Choose another address with --host or --port.`;
    throw new CommandError({ code: 'port-unavailable', exitCode: exitCodes.usage, message, cause });
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

async function waitUntilReady(url: string, directory: DataDirectory, signal: AbortSignal | undefined): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  while (Date.now() < deadline) {
    signal?.throwIfAborted();
    const response = await fetch(`${url}/v1/ready`, { signal: AbortSignal.timeout(2000) }).catch(() => undefined);
    if (response?.ok) return;
    await sleep(50);
  }
  const message = `The API was not ready after ${READY_TIMEOUT_MS / 1000} s. Its log says why: ${join(directory.logs, 'api.log')}`;
  throw new CommandError({ code: 'farm-not-ready', exitCode: exitCodes.unexpected, message });
}
