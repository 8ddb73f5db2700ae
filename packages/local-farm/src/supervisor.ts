import type { GuardedProcess } from '@farm/toolchain';

export interface Part {
  readonly name: string;
  start(): Promise<GuardedProcess>;
}

export interface SupervisorEvents {
  onEnded(name: string, how: string, restartInMs: number): void;
  /** The process ids changed. */
  onStarted(): void;
}

const FIRST_RESTART_MS = 200;
const LONGEST_RESTART_MS = 10_000;
/** A part that has run this long is healthy again: its next failure counts as the first. */
const HEALTHY_MS = 30_000;

const STOP_GRACE_MS = 8000;

/** Keeps the parts of a farm running: a part that ends is restarted, after growing pauses. */
export class Supervisor {
  readonly #events: SupervisorEvents;
  readonly #running = new Map<string, GuardedProcess>();
  readonly #watches: Promise<void>[] = [];
  #wake: () => void = () => {};
  readonly #stopped = new Promise<void>((resolve) => {
    this.#wake = resolve;
  });
  #stopping = false;

  constructor(events: SupervisorEvents) {
    this.#events = events;
  }

  /** Starts a part and supervises it from now on; rejects if its first start fails. */
  async add(part: Part): Promise<void> {
    const first = await this.#start(part);
    this.#watches.push(this.#watch(part, first));
  }

  processes(): Record<string, number> {
    return Object.fromEntries([...this.#running].map(([name, running]) => [name, running.pid]));
  }

  /** Ends the parts in the reverse order of their start. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#wake();
    for (const running of [...this.#running.values()].reverse()) await running.stop({ graceMs: STOP_GRACE_MS });
    await Promise.all(this.#watches);
  }

  async #start(part: Part): Promise<GuardedProcess> {
    const running = await part.start();
    this.#running.set(part.name, running);
    this.#events.onStarted();
    return running;
  }

  async #watch(part: Part, first: GuardedProcess): Promise<void> {
    let running: GuardedProcess | undefined = first;
    let pause = FIRST_RESTART_MS;
    while (!this.#stopping) {
      const since = Date.now();
      const exit = await running?.exited;
      if (this.#stopping) return;
      pause = Date.now() - since > HEALTHY_MS ? FIRST_RESTART_MS : Math.min(pause * 2, LONGEST_RESTART_MS);
      this.#events.onEnded(part.name, exit ? (exit.signal ?? `exit code ${exit.code}`) : 'it did not start', pause);
      await Promise.race([new Promise((resolve) => setTimeout(resolve, pause).unref()), this.#stopped]);
      if (this.#stopping) return;
      running = await this.#start(part).catch(() => undefined);
      // A part that was being started during stop() is not among those it stopped.
      if (this.#stopping) await running?.stop({ graceMs: STOP_GRACE_MS });
    }
  }
}
