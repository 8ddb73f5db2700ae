type Close = () => unknown;

/** What a process has opened. Who opens something adds how to close it; all of it is closed in reverse order. */
export class OpenResources {
  readonly #closes: Close[] = [];

  /** Says how to close what has just been opened. */
  add(close: Close): void {
    this.#closes.push(close);
  }

  /** Closes everything, the latest first. A close that fails does not keep the others from running. @throws the first failure */
  async close(): Promise<void> {
    const failures: unknown[] = [];
    for (let close = this.#closes.pop(); close; close = this.#closes.pop()) {
      try {
        await close();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
