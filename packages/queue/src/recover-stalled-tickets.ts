import { type TaskClass, taskClasses } from '@farm/contracts';
import { Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { QUEUE_PREFIX, queueName } from './ticket-queues.js';

const SWEEP_MS = 5000;

export interface StalledTicketRecovery {
  close(): Promise<void>;
}

/**
 * Runs BullMQ's stalled check on every class queue, whether or not a worker of that class is alive: a ticket whose worker
 * died before it claimed comes back this way.
 */
export async function recoverStalledTickets(
  connection: Redis,
  onRecovered: (taskClass: TaskClass) => void,
): Promise<StalledTicketRecovery> {
  const workers = taskClasses.map((taskClass) => {
    const worker = new Worker(queueName(taskClass), null, {
      connection,
      prefix: QUEUE_PREFIX,
      autorun: false,
      stalledInterval: SWEEP_MS,
      // Tickets are cheap and the records bound the attempts.
      maxStalledCount: 1_000_000,
    });
    worker.on('error', () => {});
    worker.on('stalled', () => onRecovered(taskClass));
    return worker;
  });
  await Promise.all(workers.map((worker) => worker.startStalledCheckTimer()));
  return {
    async close() {
      await Promise.all(workers.map((worker) => worker.close()));
    },
  };
}
