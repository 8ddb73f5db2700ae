import { chmod, writeFile } from 'node:fs/promises';
import { recordedError } from '@farm/contracts';
import { openTicketQueues } from '@farm/queue';
import { claimStorageRoot, connectRedis, createFirstAdminKey, type RecordsContext } from '@farm/records';
import { createStorage } from '@farm/storage';
import type { Redis } from 'ioredis';
import { type Logger, pino } from 'pino';
import { buildApp } from './app.js';
import { type Configuration, readConfiguration } from './configuration.js';
import { EventHub } from './events/event-hub.js';
import { onStopSignals } from './stop-signals.js';

function createLogger(level: string): Logger {
  const transport = process.stdout.isTTY ? { transport: { target: 'pino-pretty' } } : {};
  return pino({ name: 'api', level, redact: ['req.headers.authorization'], ...transport });
}

async function makeFirstKey(redis: Redis, { adminKeyFile }: Configuration, logger: Logger): Promise<void> {
  await createFirstAdminKey(redis, async (secret) => {
    if (adminKeyFile === undefined) {
      logger.warn(`The first admin key, shown only here: ${secret}`);
      return;
    }
    await writeFile(adminKeyFile, `${secret}\n`, { mode: 0o600 });
    // A file that was there keeps its mode.
    await chmod(adminKeyFile, 0o600);
    logger.info(`The first admin key lies in ${adminKeyFile}`);
  });
}

async function start(configuration: Configuration, logger: Logger): Promise<void> {
  const redis = connectRedis(configuration.redisUrl, { manner: 'prompt', name: 'farm-api' });
  const storage = await createStorage(configuration.storage);
  await claimStorageRoot(redis, await storage.rootId());
  await makeFirstKey(redis, configuration, logger);
  const queues = openTicketQueues(redis);
  const records: RecordsContext = {
    redis,
    // The record is written by then; the sweep adds tickets that are missing.
    enqueue: (tickets) =>
      queues.add(tickets).catch((error: unknown) => logger.warn({ err: error }, 'tickets are left to the sweep')),
  };
  const events = new EventHub(redis);
  const app = await buildApp({ configuration, records, storage, events }, logger);
  onStopSignals(logger, async () => {
    await app.close();
    await events.close();
    await queues.close();
    await storage.close();
    redis.disconnect();
  });
  const address = await app.listen({ host: configuration.host, port: configuration.port });
  logger.info({ address, storage: storage.description }, 'the farm answers');
}

const logger = createLogger(process.env.FARM_LOG_LEVEL ?? 'info');
try {
  await start(readConfiguration(process.env), logger);
} catch (error) {
  logger.fatal({ err: error }, recordedError(error).message);
  process.exitCode = 1;
  setTimeout(() => process.exit(1), 200).unref();
}
