import { join } from 'node:path';
import { FarmClient } from '@farm/client';
import { type LocalFarm, mainFiles, type Part, Supervisor, startLocalFarm } from '@farm/local-farm';
import { connectRedis, type RecordsContext } from '@farm/records';
import { createStorage, type ObjectStorage, readStorageConfiguration, StorageEnvironment } from '@farm/storage';
import { startGuardedProcess, type ToolchainContext } from '@farm/toolchain';
import { FaultBoard } from '../proxies/fault-board.js';
import { RedisProxy } from '../proxies/redis-proxy.js';
import { RedisSteps } from '../proxies/redis-steps.js';
import { StorageProxy } from '../proxies/storage-proxy.js';
import { disturb } from './disturb.js';

/** A whole farm whose processes reach Redis and the storage only through the proxies. */
export interface SoakFarm {
  readonly farm: LocalFarm;
  readonly board: FaultBoard;
  readonly client: FarmClient;
  /** Straight to Redis, past the proxy. */
  readonly records: RecordsContext;
  /** Straight to MinIO, past the proxy. */
  readonly storage: ObjectStorage;
  readonly folder: string;
  /** What the supervisors reported about processes that ended. */
  readonly troubles: string[];
  /** Aborted when the run is to end early. */
  readonly signal: AbortSignal | undefined;
  processes(): Record<string, number>;
  addWorker(name: string, environment?: NodeJS.ProcessEnv): Promise<void>;
  close(): Promise<void>;
}

export interface SoakFarmOptions {
  readonly folder: string;
  readonly workerCount: number;
  readonly toolchain: ToolchainContext;
  /** Changes to the environment of the farm's own processes. */
  readonly environment?: NodeJS.ProcessEnv;
}

/** Submits and reads of a soak are far more than a person's. */
const LIMITS = { FARM_MAX_REQUESTS_PER_MINUTE: '100000', FARM_MAX_UNENDED_JOBS: '10000' };

export async function openSoakFarm(options: SoakFarmOptions): Promise<SoakFarm> {
  const { folder, workerCount, toolchain } = options;
  const troubles: string[] = [];
  const processes = (): Record<string, number> => ({ ...farm?.processes(), ...others.processes() });
  const board = new FaultBoard((fault, step) => disturb(processes, fault, step));
  const onEnded = (name: string, how: string) => troubles.push(`${name} ended (${how})`);
  const others = new Supervisor({ onEnded, onStarted: () => {} });
  const proxies: { close(): void }[] = [];
  let direct: NodeJS.ProcessEnv = {};
  let farm: LocalFarm | undefined;
  const stop = async () => {
    await others.stop();
    await farm?.stop();
    for (const proxy of proxies) proxy.close();
  };
  try {
    farm = await startLocalFarm({
      directory: join(folder, 'data'),
      host: '127.0.0.1',
      port: 0,
      storage: 'minio',
      engine: 'draft',
      engineArguments: [],
      toolchain,
      onTrouble: (message) => troubles.push(message),
      adaptEnvironment: async (environment) => {
        direct = environment;
        return {
          ...environment,
          ...LIMITS,
          ...(await startProxies(environment, board, proxies)),
          ...options.environment,
        };
      },
    });
    const addWorker = async (name: string, environment?: NodeJS.ProcessEnv) =>
      others.add(workerPart(name, join(folder, `${name}.log`), { ...farm!.environment, ...environment }));
    for (let number = 2; number <= workerCount; number += 1) await addWorker(`worker-${number}`);

    const redis = connectRedis(direct.REDIS_URL!, { manner: 'patient', name: 'soak' });
    const storage = await createStorage(
      readStorageConfiguration(StorageEnvironment.parse(direct), { internal: farm.url, public: farm.url }),
    );
    return {
      farm,
      board,
      client: new FarmClient({ url: farm.url, key: farm.adminKey, retryForMs: 60_000, signal: toolchain.signal }),
      records: { redis, enqueue: async () => {} },
      storage,
      folder,
      troubles,
      signal: toolchain.signal,
      processes,
      addWorker,
      async close() {
        redis.disconnect();
        await storage.close();
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startProxies(
  environment: NodeJS.ProcessEnv,
  board: FaultBoard,
  proxies: { close(): void }[],
): Promise<NodeJS.ProcessEnv> {
  const redisUrl = new URL(environment.REDIS_URL!);
  const redis = new RedisProxy({ upstream: addressOf(redisUrl), board, steps: new RedisSteps(board) });
  const storageUrl = new URL(environment.S3_ENDPOINT!);
  const storage = new StorageProxy({ upstream: addressOf(storageUrl), board });
  proxies.push(redis, storage);
  redisUrl.port = String(await redis.listen());
  storageUrl.port = String(await storage.listen());
  return { REDIS_URL: redisUrl.href, S3_ENDPOINT: storageUrl.origin };
}

const addressOf = ({ hostname: host, port }: URL) => ({ host, port: Number(port) });

function workerPart(name: string, logFile: string, environment: NodeJS.ProcessEnv): Part {
  return {
    name,
    start: () => startGuardedProcess({ command: process.execPath, args: [mainFiles.worker], logFile, environment }),
  };
}
