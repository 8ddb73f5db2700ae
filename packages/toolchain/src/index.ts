export {
  runStep,
  type ToolchainContext,
  type ToolchainContextOptions,
  type ToolchainStep,
  toolchainContext,
} from './context.js';
export * from './errors.js';
export { freePort } from './free-port.js';
export {
  type GuardedProcess,
  type GuardedProcessOptions,
  type ProcessExit,
  startGuardedProcess,
} from './guarded-process.js';
export { type MinioServerOptions, type RunningMinioServer, startMinio } from './minio-server.js';
export { type FfmpegPrograms, obtainFfmpeg } from './obtain-ffmpeg.js';
export { type MinioProgram, obtainMinio } from './obtain-minio.js';
export {
  obtainPython,
  obtainPythonPackages,
  type PythonEnvironmentOptions,
  type PythonPackagesOptions,
} from './obtain-python.js';
export { obtainRedisServer } from './obtain-redis.js';
export { randomPassword } from './random-password.js';
export { type RedisServerOptions, type RunningRedisServer, startRedisServer } from './redis-server.js';
export * from './server-errors.js';
export { type ReportStream, terminalReporter } from './terminal-reporter.js';
