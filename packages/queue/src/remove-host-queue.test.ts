import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRedisServer } from '@farm/toolchain';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { removeHostQueue } from './remove-host-queue.js';
import { QUEUE_PREFIX } from './ticket-queues.js';

it('removes the queue of the class host with every ticket, and does nothing the next time', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'farm-queue-'));
  const server = await startRedisServer({ directory });
  const redis = new Redis(server.url, { maxRetriesPerRequest: null });
  const given = { connection: redis, prefix: QUEUE_PREFIX };
  const queue = new Queue('tickets-host', given);
  const worker = new Worker('tickets-host', null, { ...given, autorun: false });
  const options = { attempts: 1, removeOnComplete: true, removeOnFail: true };
  await queue.addBulk([
    { name: 'ticket', data: {}, opts: { ...options, jobId: 'a-prepare-1' } },
    { name: 'ticket', data: {}, opts: { ...options, jobId: 'b-prepare-1' } },
    { name: 'ticket', data: {}, opts: { ...options, jobId: 'c-assemble-1', delay: 60_000 } },
  ]);
  await worker.getNextJob('taken', { block: false });
  await worker.close();
  await queue.close();
  await removeHostQueue(redis);
  expect(await redis.keys('*')).toEqual([]);
  await removeHostQueue(redis);
  expect(await redis.keys('*')).toEqual([]);
  redis.disconnect();
  await server.stop();
  await rm(directory, { recursive: true });
});
