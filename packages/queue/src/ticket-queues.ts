import type { TaskClass } from '@farm/contracts';
import { taskClasses } from '@farm/contracts';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { redisTime } from './redis-time.js';

/** BullMQ's part of the farm's key space: the hash tag keeps all class queues in one slot, as BZPOPMIN needs. */
export const QUEUE_PREFIX = '{farm}:bull';
export const queueName = (taskClass: TaskClass): string => `tickets-${taskClass}`;

/** Tickets per MULTI: larger ones block Redis for other clients. */
const BULK = 500;

export interface TicketRequest {
  taskId: string;
  taskClass: TaskClass;
  generation: number;
  delayMs: number;
}

export interface TicketQueues {
  add(tickets: TicketRequest[]): Promise<void>;
  /** Tickets that wait, are delayed or are being used. */
  count(taskClass: TaskClass): Promise<number>;
  close(): Promise<void>;
}

/** The class queues, for adding tickets. The caller closes the connection. */
export function openTicketQueues(connection: Redis): TicketQueues {
  const queues = new Map(
    taskClasses.map((taskClass) => [
      taskClass,
      new Queue(queueName(taskClass), { connection, prefix: QUEUE_PREFIX, skipMetasUpdate: true }),
    ]),
  );
  // BullMQ forwards connection errors as events; callers see them through their commands.
  for (const queue of queues.values()) queue.on('error', () => {});
  return {
    async add(tickets) {
      const timestamp = await redisTime(connection);
      for (const taskClass of new Set(tickets.map((ticket) => ticket.taskClass))) {
        const group = tickets.filter((ticket) => ticket.taskClass === taskClass);
        for (let i = 0; i < group.length; i += BULK) {
          await queues.get(taskClass)!.addBulk(
            group.slice(i, i + BULK).map((ticket) => ({
              name: 'ticket',
              data: {},
              opts: {
                jobId: `${ticket.taskId}-${ticket.generation}`,
                attempts: 1,
                removeOnComplete: true,
                removeOnFail: true,
                delay: ticket.delayMs,
                // A delay counts from here.
                timestamp,
              },
            })),
          );
        }
      }
    },
    async count(taskClass) {
      const counts = await queues.get(taskClass)!.getJobCounts('waiting', 'delayed', 'active');
      return Object.values(counts).reduce((sum, count) => sum + count, 0);
    },
    async close() {
      await Promise.all([...queues.values()].map((queue) => queue.close()));
    },
  };
}
