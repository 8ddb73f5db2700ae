import { readFile } from 'node:fs/promises';
import { defaultDataDirectory, readAdminKey, readFarmFile } from '@farm/local-farm';
import { InvalidUrlError, KeyFileUnreadableError } from './errors.js';

export const DEFAULT_URL = 'http://127.0.0.1:8080';

export interface ConnectionOptions {
  readonly url?: string | undefined;
  readonly key?: string | undefined;
  readonly keyFile?: string | undefined;
  /** Folder of a farm on this machine (`farm up --data`). */
  readonly data?: string | undefined;
}

export interface FarmLocation {
  readonly url: string;
  readonly key: string | undefined;
}

/**
 * Which farm, and with whose key: the options, else the environment, else the farm that `farm up` runs on this machine.
 * That farm's admin key goes to that farm only, never to an address from elsewhere.
 */
export async function locateFarm(options: ConnectionOptions, environment: NodeJS.ProcessEnv): Promise<FarmLocation> {
  const directory = options.data ?? defaultDataDirectory(environment);
  const localUrl = await readLocalUrl(directory);
  const url = checkedUrl(options.url ?? (environment.FARM_URL || undefined) ?? localUrl ?? DEFAULT_URL);
  const given = await givenKey(options, environment);
  if (given !== undefined) return { url, key: given };
  const isLocalFarm = new URL(url).origin === new URL(localUrl ?? DEFAULT_URL).origin;
  return { url, key: isLocalFarm ? await readAdminKey(directory) : undefined };
}

async function givenKey(options: ConnectionOptions, environment: NodeJS.ProcessEnv): Promise<string | undefined> {
  if (options.key !== undefined) return options.key.trim();
  if (options.keyFile !== undefined) return readKeyFile(options.keyFile, '--key-file');
  if (environment.FARM_KEY) return environment.FARM_KEY.trim();
  if (environment.FARM_KEY_FILE) return readKeyFile(environment.FARM_KEY_FILE, 'FARM_KEY_FILE');
  return undefined;
}

async function readKeyFile(path: string, source: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (cause) {
    throw new KeyFileUnreadableError(source, path, cause as Error);
  }
}

async function readLocalUrl(directory: string): Promise<string | undefined> {
  const url: unknown = (await readFarmFile(directory))?.url;
  return typeof url === 'string' && URL.canParse(url) ? url : undefined;
}

function checkedUrl(url: string): string {
  const protocol = URL.canParse(url) ? new URL(url).protocol : '';
  if (protocol === 'http:' || protocol === 'https:') return url;
  throw new InvalidUrlError(url);
}
