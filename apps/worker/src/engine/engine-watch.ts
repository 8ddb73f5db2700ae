import { EngineHungError } from './errors.js';

/** How long an engine may show no sign of life, or of progress, before it is ended. */
export interface Patience {
  /** It says `alive` every 2 s, loading included. */
  silenceMs: number;
  /** Until it is ready, libraries that come from a cold disk may block the whole process. */
  loadingSilenceMs: number;
  /** From its start until it is ready, however alive it says it is. */
  loadingMs: number;
  /** Between two signs of progress in a render: an unavailable storage holds the engine back for 10 minutes at most. */
  stalledMs: number;
}

const defaultPatience: Patience = {
  silenceMs: 15_000,
  loadingSilenceMs: 120_000,
  loadingMs: 30 * 60_000,
  stalledMs: 20 * 60_000,
};
const CHECK_MS = 1000;
/** A check that comes this late means that this process itself stalled: the engine's lines are still to be read. */
const LATE_CHECK_MS = 3000;

/** Watches one engine from its start until `end`, and reports when it hangs. */
export class EngineWatch {
  readonly #patience: Patience;
  readonly #onHung: (error: EngineHungError) => void;
  readonly #timer = setInterval(() => this.#check(), CHECK_MS);
  readonly #started = performance.now();
  #lastHeard = performance.now();
  #lastProgress = performance.now();
  #lastCheck = performance.now();
  #isReady = false;
  #isRendering = false;

  constructor(patience: Partial<Patience>, onHung: (error: EngineHungError) => void) {
    this.#patience = { ...defaultPatience, ...patience };
    this.#onHung = onHung;
  }

  heard(): void {
    this.#lastHeard = performance.now();
  }

  ready(): void {
    this.#isReady = true;
  }

  progressed(): void {
    this.#lastProgress = performance.now();
  }

  renderStarted(): void {
    this.#isRendering = true;
    this.progressed();
  }

  renderEnded(): void {
    this.#isRendering = false;
  }

  end(): void {
    clearInterval(this.#timer);
  }

  #check(): void {
    const now = performance.now();
    if (now - this.#lastCheck > LATE_CHECK_MS) this.#lastHeard = this.#lastProgress = now;
    this.#lastCheck = now;
    const { silenceMs, loadingSilenceMs, loadingMs, stalledMs } = this.#patience;
    const silentMs = this.#isReady ? silenceMs : loadingSilenceMs;
    if (now - this.#lastHeard > silentMs) this.#onHung(new EngineHungError({ silentMs }));
    else if (!this.#isReady && now - this.#started > loadingMs) this.#onHung(new EngineHungError({ loadingMs }));
    else if (this.#isRendering && now - this.#lastProgress > stalledMs)
      this.#onHung(new EngineHungError({ stalledMs }));
  }
}
