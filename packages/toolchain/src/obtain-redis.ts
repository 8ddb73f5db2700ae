import type { ToolchainContext } from './context.js';
import { obtainDistributionProgram } from './obtain-distribution-program.js';

/** The path of a redis-server (FARM_REDIS_SERVER overrides). @throws ToolMissingError, which says what to install. */
export function obtainRedisServer(context: ToolchainContext): Promise<string> {
  return obtainDistributionProgram(context, {
    tool: 'redis-server',
    names: ['redis-server', 'valkey-server'],
    override: 'FARM_REDIS_SERVER',
    debian: { package: 'redis-server', programs: ['redis-server'], versionArgument: '--version' },
    remedy:
      'Install it with `brew install redis` (macOS), `sudo dnf install redis` (Fedora), `sudo pacman -S valkey` (Arch) ' +
      'or `sudo apt-get install redis-server` (Debian, Ubuntu)',
  });
}
