import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runStep, type ToolchainContext } from './context.js';
import { findOnPath } from './find-program.js';
import { installOnce } from './install-once.js';
import { runCommand } from './run-command.js';

/** A distribution package with the programs it brings. */
export interface DebianPackage {
  readonly package: string;
  readonly programs: readonly string[];
  /** Proves that an unpacked program runs, as `-version`. */
  readonly versionArgument: string;
}

/** True where packages come by apt: Debian, Ubuntu and what derives from them. */
export async function hasApt(context: ToolchainContext): Promise<boolean> {
  return (await findOnPath(context, 'apt-get')) !== undefined && (await findOnPath(context, 'dpkg')) !== undefined;
}

export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** One broken source of a machine must not stop what the others can deliver: the install decides. */
async function refreshPackageLists(update: () => Promise<string>, signal: AbortSignal | undefined): Promise<void> {
  await update().catch(() => signal?.throwIfAborted());
}

/** Installs a package for the whole machine. Needs root. */
export async function aptInstall(context: ToolchainContext, packageName: string): Promise<void> {
  const environment = { ...context.environment, DEBIAN_FRONTEND: 'noninteractive' };
  const { signal } = context;
  const apt = (args: string[], abortable = true) =>
    runCommand({
      command: 'apt-get',
      args: ['-o', 'DPkg::Lock::Timeout=300', ...args],
      environment,
      signal: abortable ? signal : undefined,
    });
  await runStep(context, `Installing ${packageName} with apt-get`, async () => {
    await refreshPackageLists(() => apt(['update']), signal);
    const install = ['install', '--yes', '--no-install-recommends'];
    await apt([...install, '--download-only', packageName]);
    // Ended halfway, dpkg would leave the machine's package database broken: from here on it is waited for.
    await apt([...install, packageName], false);
    signal?.throwIfAborted();
  });
}

/** `apt-get` on package lists and an archive folder of its own, so that no root is needed. */
async function aptWithoutRoot(context: ToolchainContext, directory: string) {
  await mkdir(join(directory, 'lists/partial'), { recursive: true });
  await mkdir(join(directory, 'archives/partial'), { recursive: true });
  const settings = [
    `Dir::State::Lists=${join(directory, 'lists')}`,
    `Dir::Cache=${directory}`,
    `Dir::Cache::Archives=${join(directory, 'archives')}`,
    'Debug::NoLocking=1',
  ];
  const options = settings.flatMap((setting) => ['-o', setting]);
  return (args: string[]) =>
    runCommand({
      command: 'apt-get',
      args: [...options, ...args],
      environment: context.environment,
      signal: context.signal,
    });
}

async function libraryFolders(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const folders = entries.filter((entry) => /\.so(\.|$)/.test(entry.name)).map((entry) => entry.parentPath);
  return [...new Set(folders)].sort((a, b) => a.length - b.length);
}

/** Small launchers: the unpacked libraries are found without a changed environment for anything else. */
async function writeLaunchers(tool: DebianPackage, buildDirectory: string, directory: string): Promise<void> {
  const root = join(buildDirectory, 'root');
  const libraryPath = (await libraryFolders(root)).map((folder) => folder.replace(buildDirectory, directory)).join(':');
  await mkdir(join(buildDirectory, 'bin'));
  for (const program of tool.programs) {
    const launcher = join(buildDirectory, 'bin', program);
    const lines = [
      '#!/bin/sh',
      `LD_LIBRARY_PATH='${libraryPath}'\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}`,
      'export LD_LIBRARY_PATH',
      `exec '${join(directory, 'root/usr/bin', program)}' "$@"`,
    ];
    await writeFile(launcher, `${lines.join('\n')}\n`);
    await chmod(launcher, 0o755);
  }
}

async function downloadAndUnpack(context: ToolchainContext, packageName: string, buildDirectory: string) {
  const aptDirectory = join(buildDirectory, 'apt');
  const apt = await aptWithoutRoot(context, aptDirectory);
  await refreshPackageLists(() => apt(['update']), context.signal);
  // Resolves against what is installed here: only the libraries that are missing are fetched.
  await apt(['install', '--yes', '--no-install-recommends', '--download-only', packageName]);
  const archives = join(aptDirectory, 'archives');
  const root = join(buildDirectory, 'root');
  const packages = (await readdir(archives)).filter((name) => name.endsWith('.deb'));
  for (const name of packages) {
    await runCommand({
      command: 'dpkg',
      args: ['-x', join(archives, name), root],
      environment: context.environment,
      signal: context.signal,
    });
  }
  return aptDirectory;
}

async function distribution(): Promise<string> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const field = (name: string) => new RegExp(`^${name}="?([^"\n]*)`, 'm').exec(text)?.[1] ?? 'unknown';
  return `${field('ID')}-${field('VERSION_ID')}-${process.arch}`;
}

/** Unpacks a package and the libraries missing here into the cache. @returns the folder that holds the programs. */
export async function unpackWithoutRoot(context: ToolchainContext, tool: DebianPackage): Promise<string> {
  const directory = join(context.cacheDirectory, tool.package, await distribution());
  await installOnce(context, {
    directory,
    product: `bin/${tool.programs[0]}`,
    build: (buildDirectory) =>
      runStep(
        context,
        `Unpacking ${tool.package} from the distribution's packages into ${dirname(directory)}`,
        async () => {
          const aptDirectory = await downloadAndUnpack(context, tool.package, buildDirectory);
          await runCommand({ command: 'rm', args: ['-rf', aptDirectory], environment: context.environment });
          // Checked through the path of the build, kept with the final one.
          await writeLaunchers(tool, buildDirectory, buildDirectory);
          for (const program of tool.programs) {
            const command = join(buildDirectory, 'bin', program);
            await runCommand({ command, args: [tool.versionArgument], environment: context.environment });
          }
          await runCommand({
            command: 'rm',
            args: ['-rf', join(buildDirectory, 'bin')],
            environment: context.environment,
          });
          await writeLaunchers(tool, buildDirectory, directory);
        },
      ),
  });
  return join(directory, 'bin');
}
