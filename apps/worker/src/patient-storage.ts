import { setTimeout as sleep } from 'node:timers/promises';
import { type ObjectStorage, StorageUnavailableError } from '@farm/storage';
import type { Logger } from 'pino';

/** What tasks use of the storage. They delete nothing: that is the sweep's. */
export type TaskStorage = Pick<ObjectStorage, 'put' | 'getToFile'>;

const PATIENCE_MS = 600_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

/**
 * The storage as an attempt sees it: while it is unavailable, calls are repeated for ten minutes. A storage that restarts
 * delays renders and fails none, as a silent Redis does. When `signal` aborts, no further call is made.
 */
export function patientStorage(
  storage: TaskStorage,
  { signal, log, firstPauseMs = FIRST_PAUSE_MS }: { signal: AbortSignal; log: Logger; firstPauseMs?: number },
): TaskStorage {
  const patiently = async <Result>(call: () => Promise<Result>, own: AbortSignal = signal): Promise<Result> => {
    const deadline = performance.now() + PATIENCE_MS;
    for (let pause = firstPauseMs; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      try {
        return await call();
      } catch (error) {
        const mayPass = error instanceof StorageUnavailableError;
        if (!mayPass || own.aborted || signal.aborted || performance.now() > deadline) throw error;
        log.warn({ err: error, pause }, 'the storage is unavailable; the call is repeated');
        await sleep(pause, undefined, { signal: AbortSignal.any([own, signal]) }).catch(() => {
          throw error;
        });
      }
    }
  };
  return {
    put: (...call) => patiently(() => storage.put(...call), call[2]?.signal),
    getToFile: (...call) => patiently(() => storage.getToFile(...call), call[2]?.signal),
  };
}
