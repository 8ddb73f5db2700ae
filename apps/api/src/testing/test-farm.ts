import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Role } from '@farm/contracts';
import { openTicketQueues } from '@farm/queue';
import { connectRedis, createApiKey, FarmIdentity, type RecordsContext } from '@farm/records';
import { createStorage, type ObjectStorage } from '@farm/storage';
import { type RunningRedisServer, startRedisServer } from '@farm/toolchain';
import { pino } from 'pino';
import { buildApp } from '../app.js';
import { type Limits, readConfiguration } from '../configuration.js';
import { EventHub } from '../events/event-hub.js';

export interface TestReplica {
  url: string;
  records: RecordsContext;
  storage: ObjectStorage;
  /** Lines of the log, as JSON. */
  log: string[];
  close(): Promise<void>;
}

export interface TestFarm extends TestReplica {
  directory: string;
  redisServer: RunningRedisServer;
  /** An administrator's. */
  key: string;
  newKey(owner: string, role?: Role): Promise<string>;
  startReplica(options?: ReplicaOptions): Promise<TestReplica>;
}

export interface ReplicaOptions {
  /** On top of a private Redis and a private folder. */
  environment?: NodeJS.ProcessEnv;
  limits?: Partial<Limits>;
  /** Puts something between the API and its storage. */
  wrapStorage?: (storage: ObjectStorage) => ObjectStorage;
}

async function startReplica(directory: string, redisUrl: string, options: ReplicaOptions): Promise<TestReplica> {
  const configuration = readConfiguration({
    REDIS_URL: redisUrl,
    FARM_STORAGE_DIRECTORY: join(directory, 'storage'),
    FARM_SIGNING_SECRET: 'a secret of the tests and of nothing else',
    FARM_TEMPORARY_DIRECTORY: directory,
    FARM_PORT: '0',
    ...options.environment,
  });
  Object.assign(configuration.limits, { requestsPerMinute: 100_000, refusedKeysPerMinute: 100_000 }, options.limits);
  const redis = connectRedis(redisUrl, { manner: 'prompt', timeoutMs: 1500 });
  const queues = openTicketQueues(redis);
  const plain = await createStorage(configuration.storage);
  const identity = new FarmIdentity({ redis, storage: plain });
  await identity.establish();
  const records: RecordsContext = {
    redis,
    farmId: identity.farmId,
    enqueue: (tickets) => queues.add(tickets).catch(() => {}),
  };
  const storage = options.wrapStorage?.(plain) ?? plain;
  const events = new EventHub(redis);
  const log: string[] = [];
  const logger = pino({ level: 'warn' }, { write: (line: string) => void log.push(line) });
  const app = await buildApp({ configuration, records, storage, identity, events }, logger);
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const close = async () => {
    await app.close();
    await events.close();
    await queues.close();
    redis.disconnect();
  };
  let closing: Promise<void> | undefined;
  return {
    url,
    records,
    storage,
    log,
    close() {
      closing ??= close();
      return closing;
    },
  };
}

/** The real app on real Redis and a real folder, all of its own. */
export async function startTestFarm(options: ReplicaOptions = {}): Promise<TestFarm> {
  const directory = await mkdtemp(join(tmpdir(), 'farm-api-test-'));
  const redisServer = await startRedisServer({ directory: join(directory, 'redis') });
  const replicas: TestReplica[] = [];
  const start = async (replicaOptions: ReplicaOptions = {}) => {
    const replica = await startReplica(directory, redisServer.url, replicaOptions);
    replicas.push(replica);
    return replica;
  };
  const first = await start(options);
  const newKey = async (owner: string, role: Role = 'submit') =>
    (await createApiKey(first.records.redis, { owner, role })).secret;
  return {
    ...first,
    directory,
    redisServer,
    key: await newKey('admin', 'admin'),
    newKey,
    startReplica: start,
    async close() {
      await Promise.all(replicas.map((replica) => replica.close()));
      await redisServer.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Every key in storage. */
export async function storedKeys(storage: ObjectStorage, prefix = ''): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of storage.list(prefix)) keys.push(key);
  return keys;
}
