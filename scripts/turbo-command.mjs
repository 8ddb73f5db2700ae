// How Turborepo is started: offline, without telemetry. Uses nothing but Node, like setup.mjs.
import { dirname, join } from 'node:path';

const turbo = join(dirname(import.meta.dirname), 'node_modules/turbo/bin/turbo');

/** The command that runs `tasks` in every workspace that has them, after what they depend on. */
export function turboCommand({ tasks, options = [], environment = process.env }) {
  return {
    command: process.execPath,
    args: [turbo, 'run', ...tasks, ...options],
    environment: {
      ...environment,
      TURBO_CACHE: 'local:rw',
      TURBO_TELEMETRY_DISABLED: '1',
      TURBO_NO_UPDATE_NOTIFIER: '1',
    },
  };
}
