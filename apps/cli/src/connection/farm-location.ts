import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { CommandError, exitCodes } from '../exit-codes.js';

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

/** Where `farm up` keeps a farm unless told otherwise. */
export function defaultDataDirectory(environment: NodeJS.ProcessEnv): string {
  const dataHome = environment.XDG_DATA_HOME || join(environment.HOME || homedir(), '.local', 'share');
  return join(dataHome, 'avatar-farm');
}

/**
 * Which farm, and who asks: the options, else the environment, else the farm that `farm up` runs on this machine.
 * That farm's admin key goes to that farm only, never to an address from elsewhere.
 */
export async function locateFarm(options: ConnectionOptions, environment: NodeJS.ProcessEnv): Promise<FarmLocation> {
  const directory = options.data ?? defaultDataDirectory(environment);
  const localUrl = await readLocalUrl(directory);
  const url = checkedUrl(options.url ?? (environment.FARM_URL || undefined) ?? localUrl ?? DEFAULT_URL);
  const given = await givenKey(options, environment);
  if (given !== undefined) return { url, key: given };
  const isLocalFarm = new URL(url).origin === new URL(localUrl ?? DEFAULT_URL).origin;
  return { url, key: isLocalFarm ? await readOptionalFile(join(directory, 'admin.key')) : undefined };
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
    const message = `${source} names ${path}, which cannot be read: ${(cause as Error).message}.`;
    throw new CommandError({ code: 'key-file-unreadable', exitCode: exitCodes.usage, message, cause });
  }
}

async function readLocalUrl(directory: string): Promise<string | undefined> {
  const text = await readOptionalFile(join(directory, 'farm.json'));
  if (text === undefined) return undefined;
  try {
    const { url } = JSON.parse(text) as { url?: unknown };
    return typeof url === 'string' && URL.canParse(url) ? url : undefined;
  } catch {
    return undefined;
  }
}

async function readOptionalFile(path: string): Promise<string | undefined> {
  return (await readFile(path, 'utf8').catch(() => '')).trim() || undefined;
}

function checkedUrl(url: string): string {
  const protocol = URL.canParse(url) ? new URL(url).protocol : '';
  if (protocol === 'http:' || protocol === 'https:') return url;
  const message = `"${url}" is not the address of a farm. Write it as http://host:port (--url or FARM_URL).`;
  throw new CommandError({ code: 'url-invalid', exitCode: exitCodes.usage, message });
}
