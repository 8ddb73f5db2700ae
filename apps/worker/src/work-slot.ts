import { setTimeout as sleep } from 'node:timers/promises';
import type { TaskClass } from '@farm/contracts';
import { TicketConsumer } from '@farm/queue';
import type { Claim, ClaimOutcome } from '@farm/records';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';

const FAILED_CLAIM_PAUSE_MS = 1000;

export interface WorkSlot {
  redis: Redis;
  classes: readonly TaskClass[];
  /** Resolves when this slot may claim, or drains. */
  untilReady(): Promise<void>;
  /** Whether it still is, while it waits for work. */
  isReady(): boolean;
  claim(): Promise<ClaimOutcome>;
  run(claim: Claim): Promise<void>;
  draining: AbortSignal;
  log: Logger;
}

/** Claims and runs one task after the other until the worker drains. */
export async function runSlot(slot: WorkSlot): Promise<void> {
  const consumer = new TicketConsumer(slot.redis, slot.classes);
  try {
    while (!slot.draining.aborted) {
      await slot.untilReady();
      const claim = await nextClaim(consumer, slot);
      if (claim) await slot.run(claim);
    }
  } finally {
    await consumer.close();
  }
}

async function nextClaim(consumer: TicketConsumer, slot: WorkSlot): Promise<Claim | undefined> {
  const { claim, draining, log } = slot;
  const answer = async () => {
    const outcome = await claim();
    if (outcome === 'ended') {
      log.warn('a claim was answered so late that its lease had run out: its task is ready for any worker again');
      return 'none';
    }
    return typeof outcome === 'string' ? outcome : { work: outcome };
  };
  try {
    return await consumer.next(answer, draining, () => slot.isReady());
  } catch (error) {
    // Whatever was claimed has been returned, or comes back when its lease ends.
    log.warn({ err: error }, 'the claim failed');
    await sleep(FAILED_CLAIM_PAUSE_MS);
    return undefined;
  }
}
