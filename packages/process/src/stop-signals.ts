import type { Logger } from 'pino';

/** Calls `leave` on the first SIGTERM or SIGINT. A second one ends the process immediately, with exit status 1. */
export function onStopSignal(log: Logger, leave: () => void): void {
  let isLeaving = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (isLeaving) process.exit(1);
      isLeaving = true;
      log.info({ signal }, 'stopping; a second signal ends the process immediately');
      leave();
    });
  }
}

/** Resolves on the first SIGTERM or SIGINT; see `onStopSignal`. */
export function untilStopSignal(log: Logger): Promise<void> {
  return new Promise((resolve) => onStopSignal(log, resolve));
}
