import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
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
import { checkedPort } from './checked-port.js';
import { type DataDirectory, openDataDirectory, removeFarmFile, secretIn, writeFarmFile } from './data-directory.js';
import { apiEntry, enginePath, schedulerEntry, workerEntry } from './project-files.js';
import { Supervisor } from './supervisor.js';
import { isLoopback, writeWorkerFile } from './worker-file.js';

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

/** Starts a whole farm on this machine: redis-server, storage, API, scheduler, one worker. */
export async function startLocalFarm(options: LocalFarmOptions): Promise<LocalFarm> {
  const { toolchain } = options;
  const port = await checkedPort(options.host, options.port);
  const directory = await openDataDirectory(options.directory);
  const url = `http://${options.host === '0.0.0.0' ? '127.0.0.1' : options.host}:${port}`;
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
      REDIS_URL: await addRedis(supervisor, directory, options),
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
      ['api', apiEntry],
      ['scheduler', schedulerEntry],
      ['worker', workerEntry],
    ] as const) {
      const logFile = join(directory.logs, `${name}.log`);
      const start = () => startGuardedProcess({ command: process.execPath, args: [entry], logFile, environment });
      await supervisor.add({ name, start });
    }
    await waitUntilReady(url, directory, toolchain.signal);
    await writeWorkerFile(directory, environment, options);
    const adminKey = (await readFile(directory.adminKeyFile, 'utf8')).trim();
    return { url, adminKey, adminKeyIsNew, directory, environment, processes: () => supervisor.processes(), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function addRedis(supervisor: Supervisor, directory: DataDirectory, options: LocalFarmOptions): Promise<string> {
  const { toolchain: context } = options;
  const host = isLoopback(options.host) ? '127.0.0.1' : options.host;
  const password = await secretIn(join(directory.path, 'redis.password'));
  let url = '';
  let port: number | undefined;
  const start = async () => {
    // Started again it keeps its port: the other parts hold on to the address.
    const server = await startRedisServer({
      directory: directory.redis,
      host,
      password,
      context,
      ...(port && { port }),
    });
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
      host: isLoopback(options.host) ? '127.0.0.1' : '0.0.0.0',
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
