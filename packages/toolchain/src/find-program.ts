import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { ToolchainContext } from './context.js';
import { ToolOverrideError } from './errors.js';

export async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

/** The first of `names` that is on the PATH, as an absolute path. */
export async function findOnPath(context: ToolchainContext, ...names: string[]): Promise<string | undefined> {
  const folders = (context.environment.PATH ?? '').split(delimiter).filter(Boolean);
  for (const name of names) {
    for (const folder of folders) {
      const path = join(folder, name);
      if (await isExecutable(path)) return path;
    }
  }
  return undefined;
}

/** The program that an override such as FARM_FFMPEG names. @throws ToolOverrideError when it cannot be run. */
export async function overriddenProgram(context: ToolchainContext, variable: string): Promise<string | undefined> {
  const path = context.environment[variable];
  if (!path) return undefined;
  if (!(await isExecutable(path))) throw new ToolOverrideError(variable, path);
  return path;
}
