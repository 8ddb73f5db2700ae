export {
  type ToolchainContext,
  type ToolchainContextOptions,
  type ToolchainStep,
  toolchainContext,
} from './context.js';
export { CommandFailedError, ServerStartError, ToolMissingError, ToolOverrideError } from './errors.js';
export { freePort } from './free-port.js';
export {
  type GuardedProcess,
  type GuardedProcessOptions,
  type ProcessExit,
  startGuardedProcess,
} from './guarded-process.js';
export { obtainRedisServer } from './obtain-redis.js';
export { type RedisServerOptions, type RunningRedisServer, randomPassword, startRedisServer } from './redis-server.js';
