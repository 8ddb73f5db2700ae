export { ConfigurationError } from './configuration-error.js';
export { type Backends, connectBackends } from './connect-backends.js';
export { createLogger } from './create-logger.js';
export { exitWithoutRedis } from './exit-without-redis.js';
export { OpenResources } from './open-resources.js';
export { parseEnvironment } from './parse-environment.js';
export { runProcess } from './run-process.js';
export { onStopSignal, untilStopSignal } from './stop-signals.js';
