import { setTimeout as sleep } from 'node:timers/promises';
import { recordedError } from '@farm/contracts';
import {
  countWorkerFailure,
  getQuarantine,
  type Quarantine,
  type RecordsContext,
  releaseWorker,
  setEngineVersion,
} from '@farm/records';
import type { Logger } from 'pino';
import type { ResidentEngine } from './engine/resident-engine.js';
import { failedOutcome } from './failure-class.js';
import { unlessAborted } from './unless-aborted.js';

const FIRST_PAUSE_MS = 1000;
const FIRST_TEST_PAUSE_MS = 2000;
const LONGEST_PAUSE_MS = 600_000;
/** While it pauses, a worker notices within this time that it was released. */
const LOOK_MS = 1000;

export interface RenderReadinessOptions {
  records: RecordsContext;
  workerId: string;
  engine: ResidentEngine;
  /** Renders a job of the worker's own; rejects with why it cannot. */
  selfTest(signal: AbortSignal): Promise<void>;
  log: Logger;
}

/**
 * Whether this worker may claim renders: its engine is loaded, and it is not quarantined. An engine that does not start
 * costs no task an attempt, and a worker in quarantine leaves it by a render of its own.
 */
export class RenderReadiness {
  readonly #options: RenderReadinessOptions;
  #failedLoads = 0;
  #failedTests = 0;
  #version = '';
  #isNew = true;

  constructor(options: RenderReadinessOptions) {
    this.#options = options;
  }

  /** Resolves when the next render may be claimed, or when `signal` aborts. */
  async untilReady(signal: AbortSignal): Promise<void> {
    const { records, workerId, log } = this.#options;
    while (!signal.aborted) {
      try {
        const quarantine = await getQuarantine(records, workerId);
        if (quarantine) await this.#proveItself(quarantine, signal);
        else if (await this.#isLoaded(signal)) return;
      } catch (error) {
        log.warn({ err: error }, 'whether this worker may render cannot be read');
        await sleep(FIRST_PAUSE_MS, undefined, { signal }).catch(() => {});
      }
    }
  }

  async #isLoaded(signal: AbortSignal): Promise<boolean> {
    this.#isNew = false;
    const { records, workerId, engine, log } = this.#options;
    try {
      await unlessAborted(engine.warm(), signal);
    } catch (error) {
      if (signal.aborted) return false;
      const pauseMs = growing(FIRST_PAUSE_MS, this.#failedLoads);
      this.#failedLoads += 1;
      log.error({ err: error, pauseMs }, 'the engine could not be loaded; it is started again after a pause');
      await countWorkerFailure(records, workerId, recordedError(error));
      await this.#pause(pauseMs, signal, async () => (await getQuarantine(records, workerId)) !== null);
      return false;
    }
    this.#failedLoads = 0;
    if (this.#version !== engine.engineVersion) await setEngineVersion(records, workerId, engine.engineVersion);
    this.#version = engine.engineVersion;
    return true;
  }

  async #proveItself(quarantine: Quarantine, signal: AbortSignal): Promise<void> {
    const { records, workerId, selfTest, log } = this.#options;
    // A process that starts in quarantine, as after a repair, proves itself first of all.
    const pauseMs = this.#isNew ? 0 : growing(FIRST_TEST_PAUSE_MS, this.#failedTests + quarantine.times - 1);
    this.#isNew = false;
    log.warn({ reason: quarantine.reason, pauseMs }, 'this worker is quarantined; it renders a test after a pause');
    const isReleased = async () => (await getQuarantine(records, workerId)) === null;
    if (await this.#pause(pauseMs, signal, isReleased)) return;
    if (signal.aborted) return;
    try {
      await selfTest(signal);
    } catch (error) {
      if (signal.aborted) return;
      this.#failedTests += 1;
      const { error: reason } = failedOutcome(error);
      log.error({ err: error }, 'the test render failed; this worker stays quarantined');
      await countWorkerFailure(records, workerId, reason);
      return;
    }
    this.#failedTests = 0;
    await releaseWorker(records, workerId);
    log.info('the test render succeeded; this worker claims renders again');
  }

  /** Whether the pause ended early because `over`. */
  async #pause(ms: number, signal: AbortSignal, over: () => Promise<boolean>): Promise<boolean> {
    for (const end = performance.now() + ms; performance.now() < end && !signal.aborted; ) {
      if (await over()) return true;
      const leftMs = Math.max(1, Math.min(LOOK_MS, end - performance.now()));
      await sleep(leftMs, undefined, { signal }).catch(() => {});
    }
    return false;
  }
}

const growing = (firstMs: number, count: number) => Math.min(firstMs * 2 ** count, LONGEST_PAUSE_MS);
