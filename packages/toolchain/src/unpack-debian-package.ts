import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { aptDownload } from './apt.js';
import { runStep, type ToolchainContext } from './context.js';
import { installOnce } from './install-once.js';
import { runCommand } from './run-command.js';

/** A distribution package and the programs in it. */
export interface DebianPackage {
  readonly package: string;
  readonly programs: readonly [string, ...string[]];
  /** Makes a program print its version, which proves that it runs. */
  readonly versionArgument: string;
}

async function libraryFolders(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const folders = entries.filter((entry) => /\.so(\.|$)/.test(entry.name)).map((entry) => entry.parentPath);
  return [...new Set(folders)].sort((a, b) => a.length - b.length);
}

/** Small launchers, so that the unpacked libraries are found without changing the environment of anything else. */
async function writeLaunchers(tool: DebianPackage, directory: string): Promise<void> {
  const folders = await libraryFolders(join(directory, 'root'));
  const libraryPath = folders.map((folder) => `$here/${relative(directory, folder)}`).join(':');
  await mkdir(join(directory, 'bin'));
  for (const program of tool.programs) {
    const launcher = join(directory, 'bin', program);
    const lines = [
      '#!/bin/sh',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's own expansion
      'here="${0%/*}/.."',
      `LD_LIBRARY_PATH="${libraryPath}\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"`,
      'export LD_LIBRARY_PATH',
      `exec "$here/root/usr/bin/${program}" "$@"`,
    ];
    await writeFile(launcher, `${lines.join('\n')}\n`);
    await chmod(launcher, 0o755);
  }
}

async function unpack(context: ToolchainContext, tool: DebianPackage, directory: string): Promise<void> {
  const { environment, signal } = context;
  const download = join(directory, 'apt');
  const archives = await aptDownload(context, tool.package, download);
  for (const name of (await readdir(archives)).filter((file) => file.endsWith('.deb'))) {
    const args = ['-x', join(archives, name), join(directory, 'root')];
    await runCommand({ command: 'dpkg', args, environment, signal });
  }
  await rm(download, { recursive: true });
  await writeLaunchers(tool, directory);
  for (const program of tool.programs) {
    await runCommand({ command: join(directory, 'bin', program), args: [tool.versionArgument], environment, signal });
  }
}

async function distribution(): Promise<string> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const field = (name: string) => new RegExp(`^${name}="?([^"\n]*)`, 'm').exec(text)?.[1] ?? 'unknown';
  return `${field('ID')}-${field('VERSION_ID')}-${process.arch}`;
}

/** Unpacks a package and the libraries missing here into the cache. @returns the folder that holds the programs. */
export async function unpackDebianPackage(context: ToolchainContext, tool: DebianPackage): Promise<string> {
  const directory = join(context.cacheDirectory, tool.package, await distribution());
  const label = `Unpacking ${tool.package} from the distribution's packages into ${dirname(directory)}`;
  await installOnce(context, {
    directory,
    product: join('bin', tool.programs[0]),
    build: (buildDirectory) => runStep(context, label, () => unpack(context, tool, buildDirectory)),
  });
  return join(directory, 'bin');
}
