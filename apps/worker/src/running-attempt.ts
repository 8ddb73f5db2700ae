import type { AttemptProgress, Claim } from '@farm/records';
import { Interrupted } from './interrupted.js';

/** An attempt of this worker: how to stop it, and how far it is. */
export class RunningAttempt {
  readonly #stop = new AbortController();
  #framesDone = 0;
  /** Where the rate is measured from: decoding and loading before the first frames say nothing about it. */
  #first: { framesDone: number; at: number } | undefined;

  constructor(readonly claim: Claim) {}

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  stop(reason: string): void {
    this.#stop.abort(new Interrupted(reason));
  }

  reportFrames(framesDone: number): void {
    this.#first ??= { framesDone, at: performance.now() };
    this.#framesDone = framesDone;
  }

  get progress(): AttemptProgress {
    const attemptId = this.claim.attempt.id;
    return { attemptId, framesDone: this.#framesDone, framesPerSecond: this.#framesPerSecond() };
  }

  #framesPerSecond(): number {
    if (!this.#first || this.#framesDone === this.#first.framesDone) return 0;
    return (this.#framesDone - this.#first.framesDone) / ((performance.now() - this.#first.at) / 1000);
  }
}
