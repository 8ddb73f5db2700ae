import { setTimeout as sleep } from 'node:timers/promises';
import { hasEnded, type JobDetail } from '@farm/contracts';
import { followEvents } from './event-stream.js';
import type { Connection } from './request.js';

/** Reads are at least this far apart: events arrive faster than anybody looks. */
const SHORTEST_INTERVAL_MS = 400;
/** Time left and frames per second change without events, too. */
const LONGEST_INTERVAL_MS = 10_000;

export interface WatchOptions {
  readonly jobId: string;
  /** Its signal is this watch's own: listeners of many watches do not pile up on one. */
  readonly readJob: (signal: AbortSignal) => Promise<JobDetail>;
  readonly signal: AbortSignal | undefined;
  readonly shortestIntervalMs?: number;
  readonly longestIntervalMs?: number;
}

/**
 * The job as it is now, and again after every change, until it has ended. Events say only that something changed; the
 * record is what is shown. Yields the ended job last. @throws ApiError, ApiUnreachableError, the signal's reason.
 */
export async function* watchJob(connection: Connection, options: WatchOptions): AsyncGenerator<JobDetail> {
  const stop = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
  const changes = new Changes();
  const following = follow(connection, options.jobId, { signal, changes });
  try {
    for (;;) {
      changes.clear();
      const job = await options.readJob(signal);
      yield job;
      if (hasEnded(job.status)) return;
      await sleep(options.shortestIntervalMs ?? SHORTEST_INTERVAL_MS, undefined, { signal });
      await changes.next(options.longestIntervalMs ?? LONGEST_INTERVAL_MS, signal);
    }
  } finally {
    stop.abort();
    await following;
  }
}

async function follow(connection: Connection, jobId: string, to: { signal: AbortSignal; changes: Changes }) {
  const path = `/v1/jobs/${encodeURIComponent(jobId)}/events`;
  try {
    // The stream waits and reconnects silently by itself: reading the record reports an unavailable API.
    const silent = { ...connection, retryForMs: 0, onRetry: () => undefined };
    for await (const _event of followEvents(silent, { path, signal: to.signal })) to.changes.announce();
  } catch {
    // Whatever the reason, reading the record meets the same refusal and reports it.
    to.changes.announce();
  }
}

/** Remembers that something changed until somebody asks. */
class Changes {
  #changed = false;
  #waiting: (() => void) | undefined;

  announce(): void {
    this.#changed = true;
    this.#waiting?.();
  }

  clear(): void {
    this.#changed = false;
  }

  async next(limitMs: number, signal: AbortSignal): Promise<void> {
    if (this.#changed) return;
    const limit = new AbortController();
    const announced = new Promise<void>((resolve) => {
      this.#waiting = resolve;
    });
    const timer = sleep(limitMs, undefined, { signal: AbortSignal.any([signal, limit.signal]) }).catch(() => undefined);
    await Promise.race([announced, timer]);
    limit.abort();
    this.#waiting = undefined;
    signal.throwIfAborted();
  }
}
