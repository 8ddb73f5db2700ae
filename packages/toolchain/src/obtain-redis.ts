import { join } from 'node:path';
import type { ToolchainContext } from './context.js';
import { aptInstall, hasApt, isRoot, unpackWithoutRoot } from './debian-packages.js';
import { ToolMissingError } from './errors.js';
import { findOnPath, overriddenProgram } from './find-program.js';

const REDIS = { package: 'redis-server', programs: ['redis-server'], versionArgument: '--version' } as const;

const REMEDY =
  'Install it with `brew install redis` (macOS), `sudo dnf install redis` (Fedora), `sudo pacman -S valkey` (Arch) ' +
  'or `sudo apt-get install redis-server` (Debian, Ubuntu), or set FARM_REDIS_SERVER to its path.';

/**
 * The path of a redis-server: FARM_REDIS_SERVER, the PATH, the cache, or installed now.
 * @throws ToolMissingError that says what to install.
 */
export async function obtainRedisServer(context: ToolchainContext): Promise<string> {
  const present =
    (await overriddenProgram(context, 'FARM_REDIS_SERVER')) ??
    (await findOnPath(context, 'redis-server', 'valkey-server'));
  if (present !== undefined) return present;
  if (!(await hasApt(context))) {
    throw new ToolMissingError({
      tool: 'redis-server',
      tried: 'not on the PATH, and this system has no apt-get',
      remedy: REMEDY,
    });
  }
  try {
    if (!isRoot()) return join(await unpackWithoutRoot(context, REDIS), 'redis-server');
    await aptInstall(context, REDIS.package);
  } catch (cause) {
    context.signal?.throwIfAborted();
    const tried = `not on the PATH, and fetching the package failed: ${(cause as Error).message}`;
    throw new ToolMissingError({ tool: 'redis-server', tried, remedy: REMEDY, cause });
  }
  const installed = await findOnPath(context, 'redis-server');
  if (installed !== undefined) return installed;
  throw new ToolMissingError({
    tool: 'redis-server',
    tried: 'not on the PATH even after apt-get install',
    remedy: REMEDY,
  });
}
