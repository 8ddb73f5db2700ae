import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { FarmAlreadyRunningError } from './errors.js';

export interface DataDirectory {
  readonly path: string;
  readonly adminKeyFile: string;
  readonly signingSecretFile: string;
  readonly logs: string;
  readonly redis: string;
  readonly objects: string;
  readonly minio: string;
  readonly scratch: string;
}

/** What other programs read about the farm that runs in a folder. */
export interface FarmFile {
  url: string;
  /** The process that supervises the farm. */
  pid: number;
  /** Process ids of its parts, for operators and for tests that end them. */
  processes: Record<string, number>;
}

const farmFile = (path: string) => join(path, 'farm.json');
const adminKeyFile = (path: string) => join(path, 'admin.key');

/** Where `farm up` keeps a farm unless another folder is named. */
export function defaultDataDirectory(environment: NodeJS.ProcessEnv): string {
  const dataHome = environment.XDG_DATA_HOME || join(environment.HOME || homedir(), '.local', 'share');
  return join(dataHome, 'avatar-farm');
}

/** Creates the folder, readable only by its owner, with the secrets a farm needs. */
export async function openDataDirectory(path: string): Promise<DataDirectory> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  await assertFree(path);
  const directory: DataDirectory = {
    path,
    adminKeyFile: adminKeyFile(path),
    signingSecretFile: join(path, 'signing.secret'),
    logs: join(path, 'log'),
    redis: join(path, 'redis'),
    objects: join(path, 'objects'),
    minio: join(path, 'minio'),
    scratch: join(path, 'scratch'),
  };
  // A killed worker's scratch files are worthless: its pieces are committed or rendered again.
  await rm(directory.scratch, { recursive: true, force: true });
  for (const folder of [directory.logs, directory.scratch]) await mkdir(folder, { recursive: true });
  await secretIn(directory.signingSecretFile);
  return directory;
}

/** A secret of 256 bits that is generated once and kept in a file of mode 600. */
export async function secretIn(file: string): Promise<string> {
  const known = (await readFile(file, 'utf8').catch(() => '')).trim();
  if (known) return known;
  const secret = randomBytes(32).toString('base64url');
  await writeFile(file, `${secret}\n`, { mode: 0o600 });
  await chmod(file, 0o600);
  return secret;
}

async function assertFree(path: string): Promise<void> {
  const running = await readFarmFile(path);
  if (running !== undefined && isRunning(running)) throw new FarmAlreadyRunningError(path, running);
}

/** Whether the process that supervises the farm is there. */
export const isRunning = (farm: FarmFile): boolean => isAlive(farm.pid);

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The farm that runs in a folder, or that ran there last and was killed. */
export async function readFarmFile(path: string): Promise<FarmFile | undefined> {
  const text = await readFile(farmFile(path), 'utf8').catch(() => '');
  try {
    return JSON.parse(text) as FarmFile;
  } catch {
    return undefined;
  }
}

/** The admin key of the farm in a folder, once it has made one. */
export async function readAdminKey(path: string): Promise<string | undefined> {
  return (await readFile(adminKeyFile(path), 'utf8').catch(() => '')).trim() || undefined;
}

export async function writeFarmFile(path: string, content: FarmFile): Promise<void> {
  const temporary = `${farmFile(path)}.part`;
  await writeFile(temporary, `${JSON.stringify(content, undefined, 2)}\n`, { mode: 0o600 });
  await rename(temporary, farmFile(path));
}

export async function removeFarmFile(path: string): Promise<void> {
  await rm(farmFile(path), { force: true });
}
