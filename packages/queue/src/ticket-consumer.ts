import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TaskClass } from '@farm/contracts';
import { Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { redisTime, useRedisTime } from './redis-time.js';
import { QUEUE_PREFIX, queueName } from './ticket-queues.js';

/** The result of trying to claim: work, nothing ready at all, or nothing that this worker may have now. */
export type ClaimAnswer<Work> = { work: Work } | 'none' | 'not-for-you';

const BLOCK_MS = 2000;
const NOT_FOR_YOU_DELAY_MS = 500;
/** A ticket is held only while it is used to claim; the lease of the attempt is in the record. */
const TICKET_LOCK_MS = 10_000;

interface Marker {
  key: string;
  member: string;
  /** When a delayed ticket is due, by the clock of Redis; 0 for one that waits. */
  score: number;
}

interface HeldMarker extends Marker {
  /** By `performance.now()`. */
  dueAt: number;
}

/**
 * How one slot gets work: consumes tickets of several class queues in order, and waits for the markers of all of them
 * together when they are empty. BullMQ's own loop waits for one queue; several such loops would claim twice.
 */
export class TicketConsumer {
  readonly #connection: Redis;
  readonly #workers: Worker[];
  readonly #blocking: Redis;
  readonly #token = randomUUID();
  #closed = false;

  constructor(connection: Redis, classes: readonly TaskClass[]) {
    this.#connection = connection;
    this.#workers = classes.map(
      (taskClass) =>
        new Worker(queueName(taskClass), null, {
          connection,
          prefix: QUEUE_PREFIX,
          autorun: false,
          lockDuration: TICKET_LOCK_MS,
          removeOnComplete: { count: 0 },
          removeOnFail: { count: 0 },
        }),
    );
    for (const worker of this.#workers) {
      worker.on('error', () => {});
      useRedisTime(worker.getBackend(), connection);
    }
    this.#blocking = connection.duplicate({ maxRetriesPerRequest: null });
    this.#blocking.on('error', () => {});
  }

  /**
   * Waits until `claim` gives work. One ticket, one `claim`.
   *
   * @param signal ends this consumer
   * @param mayClaim asked at least every two seconds
   * @returns undefined when `signal` aborts or it may no longer claim
   */
  async next<Work>(
    claim: () => Promise<ClaimAnswer<Work>>,
    signal: AbortSignal,
    mayClaim: () => boolean = () => true,
  ): Promise<Work | undefined> {
    let marker: Marker | undefined;
    while (!signal.aborted && !this.#closed) {
      if (!mayClaim()) {
        if (marker) await this.#putBack([marker]);
        return undefined;
      }
      for (const worker of this.#workers) {
        const work = await this.#tryQueue(worker, claim, signal);
        if (work === undefined) continue;
        // The marker that woke this slot announced another queue: leave it for the next idle worker.
        if (marker && marker.key !== worker.toKey('marker')) void this.#putBack([marker]);
        return work;
      }
      marker = await this.#waitForMarker(signal);
    }
    return undefined;
  }

  async #tryQueue<Work>(
    worker: Worker,
    claim: () => Promise<ClaimAnswer<Work>>,
    signal: AbortSignal,
  ): Promise<Work | undefined> {
    while (!signal.aborted) {
      const ticket = await worker.getNextJob(this.#token, { block: false });
      if (!ticket) return undefined;
      const answer = await claim();
      if (answer === 'not-for-you') {
        // Not `ticket.moveToDelayed`, which takes a time by this machine's clock.
        await worker
          .getBackend()
          .moveToDelayed(ticket.id!, 0, NOT_FOR_YOU_DELAY_MS, this.#token, { skipAttempt: true });
        return undefined;
      }
      const ended = ticket.moveToCompleted('', this.#token, false);
      if (answer !== 'none') {
        // The work is this slot's now. A ticket that was lost meanwhile comes back, finds nothing and ends.
        await ended.catch(() => {});
        return answer.work;
      }
      await ended;
    }
    return undefined;
  }

  async #waitForMarker(signal: AbortSignal): Promise<Marker | undefined> {
    if (signal.aborted || this.#closed) return undefined;
    let abort = () => {};
    const aborted = new Promise<undefined>((resolve) => {
      abort = () => {
        this.#blocking.disconnect();
        // A connection that is reconnecting does not reject its commands when it is ended.
        resolve(undefined);
      };
    });
    signal.addEventListener('abort', abort, { once: true });
    try {
      return await Promise.race([this.#popMarker(performance.now() + BLOCK_MS), aborted]);
    } catch {
      await sleep(200, undefined, { signal }).catch(() => {});
      return undefined;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  /**
   * A score in the future marks a delayed ticket. Nobody else will be woken for it while its marker is held here, so
   * this slot waits until it is due, and keeps listening for tickets that come before.
   */
  async #popMarker(deadline: number): Promise<Marker | undefined> {
    const keys = this.#workers.map((worker) => worker.toKey('marker')) as [string, ...string[]];
    const later: HeldMarker[] = [];
    for (;;) {
      const waitMs = Math.min(deadline, ...later.map(({ dueAt }) => dueAt)) - performance.now();
      const popped = waitMs > 0 ? await this.#blocking.bzpopmin(...keys, Math.ceil(waitMs) / 1000) : null;
      const marker = popped && { key: popped[0], member: popped[1], score: Number(popped[2]) };
      const delayMs = marker && marker.score > 0 ? marker.score - (await redisTime(this.#connection)) : 0;
      if (marker && delayMs > 0) {
        later.push({ ...marker, dueAt: performance.now() + delayMs });
        continue;
      }
      const due = marker ?? later.find(({ dueAt }) => dueAt <= performance.now());
      await this.#putBack(later.filter((held) => held !== due));
      return due;
    }
  }

  /** Never fails: a marker that is lost delays a ticket until a slot looks again, and claimed work must not be lost for it. */
  async #putBack(markers: Marker[]): Promise<void> {
    const added = markers.map(({ key, score, member }) => this.#blocking.zadd(key, score, member));
    await Promise.allSettled(added);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#blocking.disconnect();
    await Promise.all(this.#workers.map((worker) => worker.close()));
  }
}
