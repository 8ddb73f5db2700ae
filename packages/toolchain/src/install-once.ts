import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ToolchainContext } from './context.js';

export interface Installation {
  /** Absolute folder that appears complete or not at all. */
  readonly directory: string;
  /** A file inside it that proves that the folder is complete. */
  readonly product: string;
  /** Fills `buildDirectory`, which becomes `directory` afterwards. */
  readonly build: (buildDirectory: string) => Promise<void>;
}

const LOCK_STALE_MS = 15_000;
const LOCK_RETRY_MS = 300;

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Waits for the lock of an installation that another process may be making. */
async function acquireLock(context: ToolchainContext, path: string): Promise<() => Promise<void>> {
  const { lock } = await import('proper-lockfile');
  for (;;) {
    context.signal?.throwIfAborted();
    try {
      return await lock(path, { realpath: false, stale: LOCK_STALE_MS });
    } catch (error) {
      if ((error as { code?: string }).code !== 'ELOCKED') throw error;
      await sleep(LOCK_RETRY_MS);
    }
  }
}

/** Removes the leftovers of killed runs; only the holder of the lock may do so. */
async function removeLeftovers(directory: string): Promise<void> {
  const prefix = `${basename(directory)}.partial-`;
  for (const name of await readdir(dirname(directory))) {
    if (name.startsWith(prefix)) await rm(join(dirname(directory), name), { recursive: true, force: true });
  }
}

async function buildAndRename(installation: Installation): Promise<void> {
  const { directory } = installation;
  await removeLeftovers(directory);
  const buildDirectory = `${directory}.partial-${randomUUID().slice(0, 8)}`;
  await mkdir(buildDirectory);
  try {
    await installation.build(buildDirectory);
    await rm(directory, { recursive: true, force: true });
    await rename(buildDirectory, directory);
  } finally {
    await rm(buildDirectory, { recursive: true, force: true });
  }
}

/** Makes a folder of the cache unless it exists; of several processes one builds and the others wait. */
export async function installOnce(context: ToolchainContext, installation: Installation): Promise<string> {
  const { directory } = installation;
  const product = join(directory, installation.product);
  if (await exists(product)) return directory;
  await mkdir(dirname(directory), { recursive: true });
  const release = await acquireLock(context, directory);
  try {
    if (!(await exists(product))) await buildAndRename(installation);
  } finally {
    await release();
  }
  return directory;
}
