import { chmod, writeFile } from 'node:fs/promises';
import { connectBackends, createLogger, type OpenResources, runProcess, untilStopSignal } from '@farm/process';
import { createFirstAdminKey, type FarmIdentity, type RecordsContext, RecordsLostError } from '@farm/records';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { buildApp } from './app.js';
import { type Configuration, readConfiguration } from './configuration.js';
import { EventHub } from './events/event-hub.js';

async function makeFirstKey(redis: Redis, { adminKeyFile }: Configuration, log: Logger): Promise<void> {
  await createFirstAdminKey(redis, async (secret) => {
    if (adminKeyFile === undefined) {
      log.warn(`The first admin key, shown only here: ${secret}`);
      return;
    }
    await writeFile(adminKeyFile, `${secret}\n`, { mode: 0o600 });
    // A file that was there keeps its mode.
    await chmod(adminKeyFile, 0o600);
    log.info(`The first admin key is in ${adminKeyFile}`);
  });
}

/** The API starts without its records, too, so that people see why nothing works and a rebuild needs no restart. */
async function isEstablished(identity: FarmIdentity, log: Logger): Promise<boolean> {
  try {
    await identity.establish();
    return true;
  } catch (error) {
    if (!(error instanceof RecordsLostError)) throw error;
    log.error(`${error.message} Until then every request is answered with 503.`);
    return false;
  }
}

async function main(resources: OpenResources): Promise<void> {
  const configuration = readConfiguration(process.env);
  const log = createLogger({ name: 'api', level: configuration.logLevel, redact: ['req.headers.authorization'] });
  const { redis, storage, queues, identity } = await connectBackends({
    name: 'farm-api',
    manner: 'prompt',
    configuration,
    log,
    resources,
  });
  if (await isEstablished(identity, log)) await makeFirstKey(redis, configuration, log);
  const records: RecordsContext = {
    redis,
    get farmId() {
      return identity.farmId;
    },
    // The record is written by then; the sweep adds tickets that are missing.
    enqueue: (tickets) =>
      queues.add(tickets).catch((error: unknown) => log.warn({ err: error }, 'tickets are left to the sweep')),
  };
  const events = new EventHub(redis);
  resources.add(() => events.close());
  const app = await buildApp({ configuration, records, storage, identity, events }, log);
  resources.add(() => app.close());
  const stopping = untilStopSignal(log);
  const address = await app.listen({ host: configuration.host, port: configuration.port });
  log.info({ address, storage: storage.description }, 'the farm is listening');
  await stopping;
}

await runProcess(main);
