import type { Logger } from 'pino';

/** SIGTERM and SIGINT end the process by `drain`; a second one ends it now. */
export function onStopSignals(logger: Logger, drain: () => Promise<void>): void {
  let stopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) process.exit(1);
      stopping = true;
      logger.info({ signal }, 'draining; a second signal ends at once');
      drain().then(
        () => process.exit(0),
        (error: unknown) => {
          logger.error({ err: error }, 'draining failed');
          process.exit(1);
        },
      );
    });
  }
}
