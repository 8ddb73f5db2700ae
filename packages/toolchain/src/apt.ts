import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runStep, type ToolchainContext } from './context.js';
import { findOnPath } from './find-program.js';
import { runCommand } from './run-command.js';

/** True where packages are installed with apt: Debian, Ubuntu and their derivatives. */
export async function hasApt(context: ToolchainContext): Promise<boolean> {
  return (await findOnPath(context, 'apt-get')) !== undefined && (await findOnPath(context, 'dpkg')) !== undefined;
}

type Apt = (args: readonly string[], options?: { untilDone?: boolean }) => Promise<string>;

function aptWith(context: ToolchainContext, settings: readonly string[]): Apt {
  const environment = { ...context.environment, DEBIAN_FRONTEND: 'noninteractive' };
  return (args, { untilDone = false } = {}) =>
    runCommand({
      command: 'apt-get',
      args: [...settings.flatMap((setting) => ['-o', setting]), ...args],
      environment,
      signal: untilDone ? undefined : context.signal,
    });
}

async function fetchPackages(context: ToolchainContext, apt: Apt, packageName: string): Promise<string[]> {
  // One broken package source must not prevent what the others can deliver: the install decides.
  await apt(['update']).catch(() => context.signal?.throwIfAborted());
  const install = ['install', '--yes', '--no-install-recommends'];
  await apt([...install, '--download-only', packageName]);
  return install;
}

/** Installs a package for the whole machine. Needs root. */
export async function aptInstall(context: ToolchainContext, packageName: string): Promise<void> {
  const apt = aptWith(context, ['DPkg::Lock::Timeout=300']);
  await runStep(context, `Installing ${packageName} with apt-get`, async () => {
    const install = await fetchPackages(context, apt, packageName);
    // If dpkg ended halfway it would leave the machine's package database broken: from here on, wait for it.
    await apt([...install, packageName], { untilDone: true });
    context.signal?.throwIfAborted();
  });
}

/**
 * Downloads a package and the dependencies that this machine lacks, with package lists of its own, so without root.
 * @returns the folder with the `.deb` files, inside `directory`.
 */
export async function aptDownload(context: ToolchainContext, packageName: string, directory: string): Promise<string> {
  const lists = join(directory, 'lists');
  const archives = join(directory, 'archives');
  await mkdir(join(lists, 'partial'), { recursive: true });
  await mkdir(join(archives, 'partial'), { recursive: true });
  const folders = [`Dir::State::Lists=${lists}`, `Dir::Cache=${directory}`, `Dir::Cache::Archives=${archives}`];
  await fetchPackages(context, aptWith(context, [...folders, 'Debug::NoLocking=1']), packageName);
  return archives;
}
