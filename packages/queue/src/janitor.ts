import type { TaskClass } from '@farm/contracts';
import { taskClasses } from '@farm/contracts';
import { Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { QUEUE_PREFIX, queueName } from './tickets.js';

const SWEEP_MS = 5000;

export interface Janitor {
  close(): Promise<void>;
}

/**
 * Runs BullMQ's stalled check on every class queue, whether or not a worker of that class is alive: a worker that
 * died between taking a ticket and claiming gives it back this way.
 */
export async function startJanitor(connection: Redis, onReturned: (taskClass: TaskClass) => void): Promise<Janitor> {
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
    worker.on('stalled', () => onReturned(taskClass));
    return worker;
  });
  await Promise.all(workers.map((worker) => worker.startStalledCheckTimer()));
  return {
    async close() {
      await Promise.all(workers.map((worker) => worker.close()));
    },
  };
}
