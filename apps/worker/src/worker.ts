import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { classesHeldBy, type EngineName, type TaskClass, type WorkerStatus } from '@farm/contracts';
import {
  type Claim,
  claimTask,
  type HeartbeatAnswer,
  LEASE_MS,
  registerWorker,
  removeWorker,
  type WorkerDescription,
  warmKeyOf,
} from '@farm/records';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { WorkerIdTakenError, WorkerReplacedError } from './errors.js';
import { sendHeartbeats } from './heartbeat.js';
import { listenForStops } from './listen-for-stops.js';
import { RenderReadiness } from './render-readiness.js';
import { runTask } from './run-task.js';
import { RunningAttempt } from './running-attempt.js';
import { selfTest } from './self-test.js';
import type { WorkerResources } from './task-context.js';
import { runSlot, type WorkSlot } from './work-slot.js';

/** After media tasks that failed in a row on this machine, others get a chance to claim what it would fail again. */
const FIRST_MEDIA_PAUSE_MS = 1000;
const LONGEST_MEDIA_PAUSE_MS = 60_000;

export interface WorkerOptions extends Omit<WorkerDescription, 'engineVersion' | 'instance'> {
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
  readonly #instance = randomUUID();
  readonly #readiness: RenderReadiness;
  #warmKey = '';
  #mediaFailures = 0;
  /** By the last heartbeat: what fails on the media slot takes the render slot out of work too, maybe while it waits. */
  #isQuarantined = false;
  #replaced = false;

  constructor(given: { resources: WorkerResources; options: WorkerOptions; redis: Redis; log: Logger }) {
    this.#resources = given.resources;
    this.#options = given.options;
    this.#redis = given.redis;
    this.#log = given.log;
    const { records, engine, media } = given.resources;
    const { id: workerId, scratchDirectory } = given.options;
    this.#readiness = new RenderReadiness({
      records,
      workerId,
      engine,
      selfTest: (signal) => selfTest({ engine, media, scratchDirectory, signal }),
      log: given.log,
    });
  }

  async run(): Promise<void> {
    const { records } = this.#resources;
    const { id: workerId, vramClass, engine } = this.#options;
    await this.#register();
    const endListening = await listenForStops(this.#redis, (attemptId) => this.#stop(attemptId));
    const heartbeats = sendHeartbeats({
      records,
      workerId,
      instance: this.#instance,
      status: () => this.#status(),
      attempts: () => [...this.#running.values()].map((attempt) => attempt.progress),
      onAnswer: (answer) => this.#obey(answer),
      onUnknown: () => this.#register(),
      onReplaced: () => this.#leaveToOther(),
      signal: this.#leaving.signal,
      log: this.#log,
    });
    await Promise.all([this.#renderSlot(classesHeldBy(vramClass), engine), this.#mediaSlot()]);
    this.#leaving.abort();
    await heartbeats;
    endListening();
    if (this.#replaced) throw new WorkerReplacedError(workerId);
    await removeWorker(records, workerId, this.#instance);
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

  #renderSlot(classes: readonly TaskClass[], engine: EngineName): Promise<void> {
    const untilReady = async () => {
      await this.#readiness.untilReady(this.#draining.signal);
      this.#isQuarantined = false;
    };
    return this.#slot({ classes, engine, untilReady, isReady: () => !this.#isQuarantined });
  }

  #mediaSlot(): Promise<void> {
    return this.#slot({ classes: ['media'], engine: '', untilReady: () => this.#mediaPause(), isReady: () => true });
  }

  async #mediaPause(): Promise<void> {
    if (this.#mediaFailures < 2) return;
    const pauseMs = Math.min(FIRST_MEDIA_PAUSE_MS * 2 ** (this.#mediaFailures - 2), LONGEST_MEDIA_PAUSE_MS);
    await sleep(pauseMs, undefined, { signal: this.#draining.signal }).catch(() => {});
  }

  #slot(slot: Pick<WorkSlot, 'classes' | 'untilReady' | 'isReady'> & { engine: EngineName | '' }): Promise<void> {
    const { id: workerId } = this.#options;
    const { engine, ...ready } = slot;
    const { classes } = slot;
    return runSlot({
      ...ready,
      redis: this.#redis,
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
      const outcome = await runTask(this.#resources, claim, {
        signal: running.signal,
        draining: this.#draining.signal,
        scratchDirectory: this.#options.scratchDirectory,
        reportFrames: (framesDone) => running.reportFrames(framesDone),
        log: this.#log,
      });
      const isMachine = outcome.status === 'failed' && outcome.failureClass === 'machine';
      if (claim.task.kind !== 'render') this.#mediaFailures = isMachine ? this.#mediaFailures + 1 : 0;
    } finally {
      this.#running.delete(claim.attempt.id);
    }
  }

  async #register(): Promise<void> {
    const { scratchDirectory: _scratchDirectory, ...description } = this.#options;
    const { engineVersion } = this.#resources.engine;
    const worker = { ...description, engineVersion, instance: this.#instance };
    const { records } = this.#resources;
    const heldMs = await registerWorker(records, worker);
    if (heldMs === 0) return;
    this.#log.warn({ heldMs }, 'another process had this id a moment ago; this one waits until it is silent');
    await sleep(heldMs + 1, undefined, { signal: this.#draining.signal }).catch(() => {});
    if (this.#draining.signal.aborted) return;
    if ((await registerWorker(records, worker)) > 0) throw new WorkerIdTakenError(worker.id);
  }

  #leaveToOther(): void {
    this.#replaced = true;
    this.#log.error('another process has registered under this id; this one returns its work and leaves');
    this.shutDown();
  }

  #obey({ stop, drain, quarantined }: HeartbeatAnswer): void {
    this.#isQuarantined = quarantined;
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
