const KEPT_CHARACTERS = 64 * 1024;

/** The end of what an engine printed. */
export class EngineOutput {
  #lines: string[] = [];
  #characters = 0;

  add(line: string): void {
    this.#lines.push(line);
    this.#characters += line.length + 1;
    // Not at every line, so that a flood of short ones costs no more than what it writes.
    if (this.#characters > 2 * KEPT_CHARACTERS) this.#trim();
  }

  #trim(): void {
    let first = 0;
    while (this.#characters > KEPT_CHARACTERS) this.#characters -= this.#lines[first++]!.length + 1;
    this.#lines = this.#lines.slice(first);
  }

  get lastLine(): string {
    return this.#lines.findLast((line) => line.trim() !== '')?.trim() ?? '';
  }

  toString(): string {
    return this.#lines.join('\n').slice(-KEPT_CHARACTERS);
  }
}
