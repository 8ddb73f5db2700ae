import { join } from 'node:path';
import { aptInstall, hasApt } from './apt.js';
import type { ToolchainContext } from './context.js';
import { PackageUnobtainableError, PackageWithoutProgramError, ProgramNotFoundError } from './errors.js';
import { findOnPath, overriddenProgram } from './find-program.js';
import { type DebianPackage, unpackDebianPackage } from './unpack-debian-package.js';

/** A program that Linux distributions package. */
export interface DistributionProgram {
  /** What messages call it. */
  readonly tool: string;
  /** Acceptable names, best first. */
  readonly names: readonly [string, ...string[]];
  /** The environment variable that may hold its path. */
  readonly override: string;
  readonly debian: DebianPackage;
  /** What a person can install where apt does not help. */
  readonly remedy: string;
}

async function install(context: ToolchainContext, program: DistributionProgram): Promise<string | undefined> {
  const { debian, names } = program;
  if (!context.isRoot) return join(await unpackDebianPackage(context, debian), names[0]);
  await aptInstall(context, debian.package);
  return findOnPath(context, ...names);
}

/**
 * The absolute path of a program: from its override, the PATH, the cache, or installed now.
 * As root the package is installed for the machine; without root it is unpacked into the cache.
 * @throws ToolMissingError, which says what to install; ToolOverrideError
 */
export async function obtainDistributionProgram(
  context: ToolchainContext,
  program: DistributionProgram,
): Promise<string> {
  const { tool, names, override } = program;
  const present = (await overriddenProgram(context, override)) ?? (await findOnPath(context, ...names));
  if (present !== undefined) return present;
  const missing = { tool, remedy: `${program.remedy}, or set ${override} to its path.` };
  if (!(await hasApt(context))) throw new ProgramNotFoundError(missing);
  let installed: string | undefined;
  try {
    installed = await install(context, program);
  } catch (cause) {
    context.signal?.throwIfAborted();
    throw new PackageUnobtainableError(missing, cause);
  }
  if (installed !== undefined) return installed;
  throw new PackageWithoutProgramError(missing);
}
