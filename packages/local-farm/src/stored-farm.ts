import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import type { ToolchainContext } from '@farm/toolchain';
import { isRunning, openDataDirectory, readFarmFile } from './data-directory.js';
import { addMinio, addRedis } from './private-servers.js';
import { Supervisor } from './supervisor.js';

export interface StoredFarm {
  /** The Redis and the storage of the farm, as its processes get them. */
  readonly environment: NodeJS.ProcessEnv;
  readonly adminKeyFile: string;
  close(): Promise<void>;
}

/** The Redis and the storage of a farm in a folder: those that run, or, while it is down, servers of their own. */
export async function openStoredFarm(path: string, toolchain: ToolchainContext): Promise<StoredFarm> {
  const given = parseEnv(await readFile(join(path, 'worker.env'), 'utf8').catch(() => '')) as NodeJS.ProcessEnv;
  const adminKeyFile = join(path, 'admin.key');
  const running = await readFarmFile(path);
  if (running !== undefined && isRunning(running)) return { environment: given, adminKeyFile, close: async () => {} };
  const directory = await openDataDirectory(path);
  const supervisor = new Supervisor({ onEnded: () => {}, onStarted: () => {} });
  try {
    const servers = { directory, host: '127.0.0.1', toolchain };
    const storage =
      given.FARM_STORAGE === 's3'
        ? await addMinio(supervisor, servers)
        : { FARM_STORAGE: 'filesystem', FARM_STORAGE_DIRECTORY: directory.objects };
    const environment = {
      REDIS_URL: await addRedis(supervisor, servers),
      FARM_SIGNING_SECRET_FILE: directory.signingSecretFile,
      ...storage,
    };
    return { environment, adminKeyFile, close: () => supervisor.stop() };
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
}
