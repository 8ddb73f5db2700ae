import { classesHeldBy, type EngineName, recordedError, type TaskClass, type WorkerStatus } from '@farm/contracts';
import {
  type Claim,
  claimTask,
  finishAttempt,
  type HeartbeatAnswer,
  LEASE_MS,
  registerWorker,
  removeWorker,
  setEngineVersion,
  type WorkerDescription,
  warmKeyOf,
} from '@farm/records';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { WorkerBrokenError } from './errors.js';
import { sendHeartbeats } from './heartbeat.js';
import { listenForStops } from './listen-for-stops.js';
import { runTask } from './run-task.js';
import { RunningAttempt } from './running-attempt.js';
import type { WorkerResources } from './task-context.js';
import { runSlot } from './work-slot.js';

export interface WorkerOptions extends Omit<WorkerDescription, 'engineVersion'> {
  scratchDirectory: string;
}

/**
 * One engine and the machine it is on: a render slot for the classes that the card holds, and a CPU slot for decoding and
 * joining. `run` resolves when both have ended, after a drain or a shutdown.
 */
export class Worker {
  readonly #resources: WorkerResources;
  readonly #options: WorkerOptions;
  readonly #redis: Redis;
  readonly #log: Logger;
  readonly #running = new Map<string, RunningAttempt>();
  readonly #leaving = new AbortController();
  readonly #draining = new AbortController();
  #warmKey = '';

  constructor(given: { resources: WorkerResources; options: WorkerOptions; redis: Redis; log: Logger }) {
    this.#resources = given.resources;
    this.#options = given.options;
    this.#redis = given.redis;
    this.#log = given.log;
  }

  async run(): Promise<void> {
    const { records } = this.#resources;
    const { id: workerId, vramClass, engine } = this.#options;
    await this.#register();
    const endListening = await listenForStops(this.#redis, (attemptId) => this.#stop(attemptId));
    const heartbeats = sendHeartbeats({
      records,
      workerId,
      status: () => this.#status(),
      attempts: () => [...this.#running.values()].map((attempt) => attempt.progress),
      onAnswer: (answer) => this.#obey(answer),
      onUnknown: () => this.#register(),
      signal: this.#leaving.signal,
      log: this.#log,
    });
    void this.#warmEngine();
    await Promise.all([this.#slot(classesHeldBy(vramClass), engine), this.#slot(['media'], '')]);
    this.#leaving.abort();
    await heartbeats;
    endListening();
    await removeWorker(records, workerId);
  }

  /** Finishes the piece under way, returns the rest, then leaves. */
  drain(): void {
    if (this.#draining.signal.aborted) return;
    this.#log.info('draining: the piece under way is finished, then this worker leaves');
    this.#draining.abort();
  }

  /** Abandons the piece under way; what is committed is kept, and nothing counts as a failure. */
  shutDown(): void {
    this.#draining.abort();
    for (const attempt of this.#running.values()) attempt.stop('The worker was asked to leave.');
  }

  #slot(classes: readonly TaskClass[], engine: EngineName | ''): Promise<void> {
    const { id: workerId } = this.#options;
    return runSlot({
      redis: this.#redis,
      classes,
      claim: () => {
        const claimant = { workerId, classes, engine, warmKey: this.#warmKey, leaseMs: LEASE_MS };
        return claimTask(this.#resources.records, claimant);
      },
      run: (claim) => this.#run(claim),
      draining: this.#draining.signal,
      log: this.#log,
    });
  }

  async #run(claim: Claim): Promise<void> {
    const running = new RunningAttempt(claim);
    this.#running.set(claim.attempt.id, running);
    if (this.#draining.signal.aborted) running.stop('The worker is leaving.');
    try {
      if (claim.task.kind === 'render') this.#warmKey = warmKeyOf(claim.job);
      await runTask(this.#resources, claim, {
        signal: running.signal,
        draining: this.#draining.signal,
        scratchDirectory: this.#options.scratchDirectory,
        reportFrames: (framesDone) => running.reportFrames(framesDone),
        log: this.#log,
      });
    } catch (error) {
      await this.#giveUp(claim, error);
    } finally {
      this.#running.delete(claim.attempt.id);
    }
  }

  /** The scratch folder or the records themselves failed: return the task rather than let its lease run out. */
  async #giveUp(claim: Claim, cause: unknown): Promise<void> {
    const attemptId = claim.attempt.id;
    this.#log.error({ err: cause, attemptId }, 'the attempt could not be run');
    const error = recordedError(new WorkerBrokenError(cause));
    const outcome = { status: 'failed', error, retriable: 'another-worker', metrics: {} } as const;
    await finishAttempt(this.#resources.records, attemptId, outcome).catch((failure: unknown) =>
      // A Redis that accepts no writes, full or with a full disk, is no reason to unload the engine.
      this.#log.error({ err: failure, attemptId }, 'the attempt could not be ended; its lease runs out'),
    );
  }

  async #register(): Promise<void> {
    const { scratchDirectory: _scratchDirectory, ...description } = this.#options;
    const { engineVersion } = this.#resources.engine;
    await registerWorker(this.#resources.records, { ...description, engineVersion });
  }

  async #warmEngine(): Promise<void> {
    try {
      const { engineVersion } = await this.#resources.engine.warm();
      await setEngineVersion(this.#resources.records, this.#options.id, engineVersion);
    } catch (error) {
      this.#log.error({ err: error }, 'the engine could not be loaded; the next render tries again');
    }
  }

  #obey({ stop, drain }: HeartbeatAnswer): void {
    for (const attemptId of stop) this.#stop(attemptId);
    if (drain) this.drain();
  }

  #stop(attemptId: string): void {
    this.#running.get(attemptId)?.stop('The attempt is canceled or fenced.');
  }

  #status(): WorkerStatus {
    if (this.#draining.signal.aborted) return 'draining';
    if (this.#running.size > 0) return 'busy';
    if (this.#resources.engine.state === 'loading') return 'warming';
    return 'idle';
  }
}
