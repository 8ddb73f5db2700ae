import type { FarmEvent } from '@farm/contracts';
import { tailEvents } from '@farm/records';
import type { Redis } from 'ioredis';

type Listener = (event: FarmEvent) => void;

/** Follows the farm's stream once for this process and passes each event to those who watch its job, or everything. */
export class EventHub {
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  /** Resolves when every later event will be seen here: reading the past after that leaves no gap. */
  readonly started: Promise<void>;

  constructor(redis: Redis) {
    let start = () => {};
    this.started = new Promise((resolve) => {
      start = resolve;
    });
    this.#running = tailEvents(redis, {
      onEvent: (event) => this.#dispatch(event),
      onStarted: () => start(),
      signal: this.#stop.signal,
    });
  }

  /**
   * @param jobId `*` for every event of the farm
   * @returns stops listening
   */
  listen(jobId: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(jobId) ?? new Set();
    this.#listeners.set(jobId, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(jobId) === listeners) this.#listeners.delete(jobId);
    };
  }

  #dispatch(event: FarmEvent): void {
    for (const scope of ['*', event.jobId]) {
      if (scope) for (const listener of this.#listeners.get(scope) ?? []) listener(event);
    }
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }
}
