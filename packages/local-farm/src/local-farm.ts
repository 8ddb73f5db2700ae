import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  obtainFfmpeg,
  obtainPython,
  obtainRedisServer,
  startGuardedProcess,
  type ToolchainContext,
} from '@farm/toolchain';
import { checkedPort } from './checked-port.js';
import { type DataDirectory, openDataDirectory, removeFarmFile, writeFarmFile } from './data-directory.js';
import { FarmNotReadyError, RecordsNotOfFarmError } from './errors.js';
import type { ListenAddress } from './listen-address.js';
import { addMinio, addRedis } from './private-servers.js';
import { enginePath, mainFiles } from './project-files.js';
import { Supervisor } from './supervisor.js';
import { writeWorkerFile } from './worker-file.js';

export interface LocalFarmOptions extends ListenAddress {
  readonly directory: string;
  /** 0: any free one. */
  readonly port: number;
  readonly storage: 'filesystem' | 'minio';
  readonly engine: 'draft' | 'liveavatar';
  /** Further words for the engine's command line. */
  readonly engineArguments: readonly string[];
  readonly toolchain: ToolchainContext;
  /** A process ended by itself and is restarted. */
  readonly onTrouble: (message: string) => void;
  /** Changes what the apps are given, once the servers run: tests put proxies between the two. */
  readonly adaptEnvironment?: (environment: NodeJS.ProcessEnv) => Promise<NodeJS.ProcessEnv>;
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
  const programs = await obtainPrograms(options);
  const { supervisor, stop } = superviseIn(directory, { url, onTrouble: options.onTrouble });
  try {
    const servers = { directory, host: options.host, toolchain };
    const ownEnvironment: NodeJS.ProcessEnv = {
      ...toolchain.environment,
      REDIS_URL: await addRedis(supervisor, servers),
      ...(options.storage === 'minio'
        ? await addMinio(supervisor, servers)
        : { FARM_STORAGE: 'filesystem', FARM_STORAGE_DIRECTORY: directory.objects }),
      FARM_HOST: options.host,
      FARM_PORT: String(port),
      FARM_PUBLIC_URL: options.publicUrl ?? url,
      FARM_INTERNAL_URL: url,
      FARM_ADMIN_KEY_FILE: directory.adminKeyFile,
      FARM_SIGNING_SECRET_FILE: directory.signingSecretFile,
      FARM_SCRATCH_DIRECTORY: directory.scratch,
      FARM_ENGINE: options.engine,
      FARM_ENGINE_PATH: enginePath,
      FARM_ENGINE_ARGUMENTS: options.engineArguments.join(' '),
      ...programs,
    };
    const environment = (await options.adaptEnvironment?.(ownEnvironment)) ?? ownEnvironment;
    await addApps(supervisor, { logs: directory.logs, environment });
    await waitUntilReady(url, { directory, signal: toolchain.signal });
    await writeWorkerFile(directory, environment, options);
    const adminKey = (await readFile(directory.adminKeyFile, 'utf8')).trim();
    return { url, adminKey, adminKeyIsNew, directory, environment, processes: () => supervisor.processes(), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The programs that the processes start themselves, as variables; redis-server is only made sure of. */
async function obtainPrograms({ toolchain, engine }: LocalFarmOptions): Promise<Record<string, string>> {
  await obtainRedisServer(toolchain);
  const { ffmpeg, ffprobe } = await obtainFfmpeg(toolchain);
  const extras = engine === 'draft' ? [] : ['liveavatar'];
  const python = await obtainPython(toolchain, { packageDirectory: enginePath, extras });
  return { FARM_FFMPEG: ffmpeg, FARM_FFPROBE: ffprobe, FARM_PYTHON: python };
}

/** A supervisor that keeps the folder's `farm.json` up to date, and what ends both. */
function superviseIn(
  directory: DataDirectory,
  { url, onTrouble }: Pick<LocalFarmOptions, 'onTrouble'> & { readonly url: string },
): { supervisor: Supervisor; stop: () => Promise<void> } {
  let written = Promise.resolve();
  const supervisor = new Supervisor({
    onEnded: (name, how, restartInMs) =>
      onTrouble(
        `${name} ended (${how}); it restarts in ${(restartInMs / 1000).toFixed(1)} s. Log: ${directory.logs}/${name}.log`,
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
  return { supervisor, stop };
}

async function addApps(
  supervisor: Supervisor,
  { logs, environment }: { readonly logs: string; readonly environment: NodeJS.ProcessEnv },
): Promise<void> {
  for (const [name, mainFile] of Object.entries(mainFiles)) {
    const logFile = join(logs, `${name}.log`);
    const start = () => startGuardedProcess({ command: process.execPath, args: [mainFile], logFile, environment });
    await supervisor.add({ name, start });
  }
}

/** Why the API is not ready, where waiting does not help: its Redis and its storage are not those of one farm. */
async function reasonToGiveUp(response: Response): Promise<string | undefined> {
  const problem = (await response.json().catch(() => ({}))) as { code?: string; detail?: string };
  return problem.code === 'records-lost' || problem.code === 'other-storage-root' ? problem.detail : undefined;
}

async function waitUntilReady(
  url: string,
  { directory, signal }: { readonly directory: DataDirectory; readonly signal: AbortSignal | undefined },
): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  while (Date.now() < deadline) {
    signal?.throwIfAborted();
    const response = await fetch(`${url}/v1/ready`, { signal: AbortSignal.timeout(2000) }).catch(() => undefined);
    if (response?.ok) return;
    const reason = response && (await reasonToGiveUp(response));
    if (reason !== undefined) throw new RecordsNotOfFarmError(reason, directory.path);
    await sleep(50);
  }
  throw new FarmNotReadyError({ timeoutMs: READY_TIMEOUT_MS, logFile: join(directory.logs, 'api.log') });
}
