import type { TaskClass } from '@farm/contracts';
import type { Redis } from 'ioredis';
import { taskClassOf } from './tasks/task-class.js';

/** "There is work of this class": what becomes one BullMQ job. The claim decides which task it is. */
export interface Ticket {
  taskId: string;
  taskClass: TaskClass;
  /** Raised by every move into `ready`, so a ticket can always be added and never counts double. */
  generation: number;
  delayMs: number;
}

/** What every operation of this package works with. */
export interface RecordsContext {
  redis: Redis;
  /** Where it is given, what writes a new record checks in the same step that Redis still knows this farm. */
  readonly farmId?: string | undefined;
  /** Called after the status change; tickets lost between the two are added again by a sweep. */
  enqueue(tickets: Ticket[]): Promise<void>;
}

/** Reads the `{task, class, generation, delay}` rows that scripts return. */
export function ticketsFrom(rows: unknown): Ticket[] {
  return (rows as [string, string, number, number][]).map(([taskId, taskClass, generation, delayMs]) => ({
    taskId,
    taskClass: taskClassOf(taskClass),
    generation: Number(generation),
    delayMs: Number(delayMs),
  }));
}
