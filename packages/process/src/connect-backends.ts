import { openTicketQueues, type TicketQueues } from '@farm/queue';
import { connectRedis, FarmIdentity, type RedisOptions } from '@farm/records';
import { createStorage, type ObjectStorage, type StorageConfiguration } from '@farm/storage';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import type { OpenResources } from './open-resources.js';

export interface Backends {
  redis: Redis;
  storage: ObjectStorage;
  queues: TicketQueues;
  /** Not yet established. */
  identity: FarmIdentity;
}

export interface BackendOptions {
  /** As Redis lists its clients. */
  name: string;
  manner: RedisOptions['manner'];
  configuration: { redisUrl: string; storage: StorageConfiguration };
  log: Logger;
  resources: OpenResources;
}

/** Connects to Redis, the storage and the ticket queues; whether they are one farm's, `identity` says. Outages of Redis are logged. */
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
  const queues = openTicketQueues(redis);
  resources.add(() => queues.close());
  return { redis, storage, queues, identity: new FarmIdentity({ redis, storage }) };
}
