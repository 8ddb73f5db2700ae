import {
  connectBackends,
  createLogger,
  exitWithoutRedis,
  type OpenResources,
  runProcess,
  untilStopSignal,
} from '@farm/process';
import { recoverStalledTickets } from '@farm/queue';
import cron from 'node-cron';
import { readConfiguration } from './configuration.js';
import * as advanceJobs from './sweeps/advance-jobs.js';
import * as checkVideos from './sweeps/check-videos.js';
import * as cleanStorage from './sweeps/clean-storage.js';
import * as expireLeases from './sweeps/expire-leases.js';
import * as expireUploads from './sweeps/expire-uploads.js';
import * as moveHostTasks from './sweeps/move-host-tasks.js';
import * as shrinkJobs from './sweeps/shrink-jobs.js';

async function main(resources: OpenResources): Promise<void> {
  const configuration = readConfiguration(process.env);
  const log = createLogger({ level: configuration.logLevel });
  resources.add(() => log.info('scheduler ended'));
  const { redis, storage, queues } = await connectBackends({
    name: 'farm-scheduler',
    manner: 'patient',
    configuration,
    log,
    resources,
  });
  const records = { redis, enqueue: queues.add };
  const context = { ...configuration, records, queues, storage, log };
  const recovery = await recoverStalledTickets(redis, (taskClass) =>
    log.warn({ taskClass }, 'a ticket whose worker died is available again'),
  );
  resources.add(() => recovery.close());

  const schedule = (name: string, expression: string, runOnce: (given: typeof context) => Promise<unknown>) => {
    const sweep = () =>
      runOnce(context).catch((error: unknown) => log.error({ err: error, sweep: name }, 'the sweep failed'));
    const task = cron.schedule(expression, sweep, { name, noOverlap: true });
    resources.add(() => task.destroy());
  };
  schedule('expire-leases', '* * * * * *', expireLeases.runOnce);
  schedule('advance-jobs', '*/5 * * * * *', advanceJobs.runOnce);
  schedule('move-host-tasks', '*/5 * * * * *', moveHostTasks.runOnce);
  schedule('shrink-jobs', '7 * * * *', shrinkJobs.runOnce);
  schedule('clean-storage', '*/10 * * * *', cleanStorage.runOnce);
  schedule('check-videos', '*/10 * * * *', checkVideos.runOnce);
  schedule('expire-uploads', '37 * * * *', expireUploads.runOnce);
  log.info('scheduler started');

  await untilStopSignal(log);
  exitWithoutRedis(redis, log);
}

await runProcess(main);
