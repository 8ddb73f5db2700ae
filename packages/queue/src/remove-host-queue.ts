import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { QUEUE_PREFIX } from './ticket-queues.js';

/** What the queue of the class `media` was called while records had schema 2. */
const HOST_QUEUE = 'tickets-host';

/** Removes a queue that nobody reads any more, with its tickets; tasks get new ones when their records are moved. */
export async function removeHostQueue(connection: Redis): Promise<void> {
  if ((await connection.exists(`${QUEUE_PREFIX}:${HOST_QUEUE}:meta`)) === 0) return;
  const queue = new Queue(HOST_QUEUE, { connection, prefix: QUEUE_PREFIX, skipMetasUpdate: true });
  queue.on('error', () => {});
  await queue.obliterate({ force: true });
  await queue.close();
}
