/** Numbers from a seed: the same seed gives the same faults (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 to below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** From `first` to `last`, both included. */
  integer(first: number, last: number): number {
    return first + Math.floor(this.next() * (last - first + 1));
  }

  pick<Value>(values: readonly { readonly weight: number; readonly value: Value }[]): Value {
    let left = this.next() * values.reduce((sum, { weight }) => sum + weight, 0);
    for (const { weight, value } of values) {
      left -= weight;
      if (left < 0) return value;
    }
    return values.at(-1)!.value;
  }
}
