import { openTicketQueues, type TicketQueues } from '@farm/queue';
import { claimStorageRoot, connectRedis, type RedisOptions } from '@farm/records';
import { createStorage, type ObjectStorage, type StorageConfiguration } from '@farm/storage';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import type { OpenResources } from './open-resources.js';

export interface Backends {
  redis: Redis;
  storage: ObjectStorage;
  queues: TicketQueues;
}

export interface BackendOptions {
  /** As Redis lists its clients. */
  name: string;
  manner: RedisOptions['manner'];
  configuration: { redisUrl: string; storage: StorageConfiguration };
  log: Logger;
  resources: OpenResources;
}

/** Connects to Redis, the storage that belongs to it, and the ticket queues. Outages of Redis are logged. */
export async function connectBackends(options: BackendOptions): Promise<Backends> {
  const { name, manner, configuration, log, resources } = options;
  const redis = connectRedis(configuration.redisUrl, {
    name,
    manner,
    onUnavailable: (message) => log.warn(message),
    onBack: () => log.info('Redis is back'),
  });
  resources.add(() => redis.disconnect());
  const storage = await createStorage(configuration.storage);
  resources.add(() => storage.close());
  await claimStorageRoot(redis, await storage.rootId());
  const queues = openTicketQueues(redis);
  resources.add(() => queues.close());
  return { redis, storage, queues };
}
