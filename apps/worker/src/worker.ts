import { setTimeout as sleep } from 'node:timers/promises';
import type { EngineName, TaskClass, VramClass, WorkerStatus } from '@farm/contracts';
import { classesHeldBy } from '@farm/contracts';
import { TicketConsumer } from '@farm/queue';
import {
  type Claim,
  claimTask,
  finishAttempt,
  KEY_PREFIX,
  LEASE_MS,
  registerWorker,
  removeWorker,
  renewLeases,
  setEngineVersion,
  type WorkerDescription,
  warmKeyOf,
} from '@farm/records';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { runTask } from './run-task.js';
import { Interrupted, type WorkerResources } from './task-context.js';

const HEARTBEAT_MS = 1000;

export interface WorkerOptions {
  id: string;
  vramClass: VramClass;
  engine: EngineName;
  host: string;
  gpu: string | null;
  scratchDirectory: string;
}

interface RunningAttempt {
  claim: Claim;
  stop: AbortController;
  framesDone: number;
  /** Where the rate is measured from: decoding and loading before the first frames say nothing about it. */
  first: { framesDone: number; at: number } | undefined;
}

function framesPerSecond({ framesDone, first }: RunningAttempt): number {
  if (!first || framesDone === first.framesDone) return 0;
  return (framesDone - first.framesDone) / ((performance.now() - first.at) / 1000);
}

/**
 * One engine and its host: a render slot for the classes that the card holds, and a CPU slot for decoding and joining.
 * `run` resolves when both have ended, after a drain or a shutdown.
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
    await this.#register();
    const listener = await this.#listenForStops();
    const heartbeat = this.#beat();
    void this.#warmEngine();
    const render = this.#slot(classesHeldBy(this.#options.vramClass), this.#options.engine);
    const host = this.#slot(['media'], '');
    await Promise.all([render, host]);
    this.#leaving.abort();
    await heartbeat;
    listener.disconnect();
    await removeWorker(this.#resources.records, this.#options.id);
  }

  /** Finishes the piece under way, hands back the rest, then leaves. */
  drain(): void {
    if (this.#draining.signal.aborted) return;
    this.#log.info('draining: the piece under way is finished, then this worker leaves');
    this.#draining.abort();
  }

  /** Abandons the piece under way; what is committed stands, and nothing counts as a failure. */
  shutDown(): void {
    this.#draining.abort();
    for (const attempt of this.#running.values()) attempt.stop.abort(new Interrupted('The worker was told to leave.'));
  }

  async #slot(classes: readonly TaskClass[], engine: EngineName | ''): Promise<void> {
    const consumer = new TicketConsumer(this.#redis, classes);
    try {
      while (!this.#draining.signal.aborted) {
        const claim = await this.#next(consumer, classes, engine);
        if (claim) await this.#run(claim);
      }
    } finally {
      await consumer.close();
    }
  }

  async #next(
    consumer: TicketConsumer,
    classes: readonly TaskClass[],
    engine: EngineName | '',
  ): Promise<Claim | undefined> {
    try {
      return await consumer.next(() => this.#claim(classes, engine), this.#draining.signal);
    } catch (error) {
      // Redis was away in the middle of a claim: a task claimed with the reply lost comes back when its lease ends.
      this.#log.warn({ err: error }, 'the claim failed');
      await sleep(1000);
      return undefined;
    }
  }

  async #claim(classes: readonly TaskClass[], engine: EngineName | '') {
    const claimant = { workerId: this.#options.id, classes, engine, warmKey: this.#warmKey, leaseMs: LEASE_MS };
    const outcome = await claimTask(this.#resources.records, claimant);
    return typeof outcome === 'string' ? outcome : { work: outcome };
  }

  async #run(claim: Claim): Promise<void> {
    const running: RunningAttempt = { claim, stop: new AbortController(), framesDone: 0, first: undefined };
    this.#running.set(claim.attempt.id, running);
    if (this.#draining.signal.aborted) running.stop.abort(new Interrupted('The worker is leaving.'));
    if (claim.task.kind === 'render') this.#warmKey = warmKeyOf(claim.job);
    const control = {
      signal: running.stop.signal,
      draining: this.#draining.signal,
      scratchDirectory: this.#options.scratchDirectory,
      reportFrames: (framesDone: number) => {
        running.first ??= { framesDone, at: performance.now() };
        running.framesDone = framesDone;
      },
    };
    try {
      await runTask(this.#resources, claim, control, this.#log);
    } catch (error) {
      await this.#giveUp(claim, error);
    } finally {
      this.#running.delete(claim.attempt.id);
    }
  }

  /** The scratch folder or the records themselves failed: hand the task back rather than let its lease run out. */
  async #giveUp(claim: Claim, error: unknown): Promise<void> {
    const attemptId = claim.attempt.id;
    this.#log.error({ err: error, attemptId }, 'the attempt could not be run');
    const outcome = {
      status: 'failed',
      error: { code: 'worker-broken', message: String(error) },
      retriable: 'another-worker',
      metrics: {},
    } as const;
    await finishAttempt(this.#resources.records, attemptId, outcome).catch((failure: unknown) =>
      // A Redis that takes no writes, full or with a full disk, is no reason to unload the engine.
      this.#log.error({ err: failure, attemptId }, 'the attempt could not be ended; its lease runs out'),
    );
  }

  async #register(): Promise<void> {
    const { id, vramClass, engine, host, gpu } = this.#options;
    const { engineVersion } = this.#resources.engine;
    const description: WorkerDescription = { id, vramClass, engine, engineVersion, host, gpu };
    await registerWorker(this.#resources.records, description);
  }

  async #warmEngine(): Promise<void> {
    try {
      const { engineVersion } = await this.#resources.engine.warm();
      await setEngineVersion(this.#resources.records, this.#options.id, engineVersion);
    } catch (error) {
      this.#log.error({ err: error }, 'the engine could not be loaded; the next render tries again');
    }
  }

  /** Stops come at once over pub/sub; the heartbeat's answer is the safety net. */
  async #listenForStops(): Promise<Redis> {
    const listener = this.#redis.duplicate({ socketTimeout: undefined });
    listener.on('error', () => {});
    listener.on('message', (_channel, attemptId: string) => this.#stop(attemptId));
    await listener.subscribe(`${KEY_PREFIX}stop`);
    return listener;
  }

  #stop(attemptId: string): void {
    this.#running.get(attemptId)?.stop.abort(new Interrupted('The attempt is canceled or fenced.'));
  }

  async #beat(): Promise<void> {
    while (!this.#leaving.signal.aborted) {
      try {
        const attempts = [...this.#running.values()].map((running) => ({
          attemptId: running.claim.attempt.id,
          framesDone: running.framesDone,
          framesPerSecond: framesPerSecond(running),
        }));
        const answer = await renewLeases(this.#resources.records, {
          workerId: this.#options.id,
          status: this.#status(),
          attempts,
        });
        if (!answer) await this.#register();
        for (const attemptId of answer?.stop ?? []) this.#stop(attemptId);
        if (answer?.drain) this.drain();
      } catch (error) {
        this.#log.warn({ err: error }, 'the heartbeat failed');
      }
      await sleep(HEARTBEAT_MS, undefined, { signal: this.#leaving.signal }).catch(() => {});
    }
  }

  #status(): WorkerStatus {
    if (this.#draining.signal.aborted) return 'draining';
    if (this.#running.size > 0) return 'busy';
    if (this.#resources.engine.state === 'loading') return 'warming';
    return 'idle';
  }
}
