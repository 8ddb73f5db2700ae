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
import { guardSweeps } from './guard-sweeps.js';
import * as advanceJobs from './sweeps/advance-jobs.js';
import * as checkVideos from './sweeps/check-videos.js';
import * as cleanStorage from './sweeps/clean-storage.js';
import * as expireLeases from './sweeps/expire-leases.js';
import * as expireUploads from './sweeps/expire-uploads.js';
import * as moveHostTasks from './sweeps/move-host-tasks.js';
import * as noteEndedJobs from './sweeps/note-ended-jobs.js';
import * as shrinkJobs from './sweeps/shrink-jobs.js';
import * as storeJobFiles from './sweeps/store-job-files.js';

async function main(resources: OpenResources): Promise<void> {
  const configuration = readConfiguration(process.env);
  const log = createLogger({ level: configuration.logLevel });
  resources.add(() => log.info('scheduler ended'));
  const { redis, storage, queues, identity } = await connectBackends({
    name: 'farm-scheduler',
    manner: 'patient',
    configuration,
    log,
    resources,
  });
  await identity.establish();
  const records = { redis, farmId: identity.farmId, enqueue: queues.add };
  const context = { ...configuration, records, queues, storage, log };
  const recovery = await recoverStalledTickets(redis, (taskClass) =>
    log.warn({ taskClass }, 'a ticket whose worker died is available again'),
  );
  resources.add(() => recovery.close());

  const guarded = guardSweeps(identity, log);
  type Sweep = { expression: string; touches: 'records' | 'storage'; runOnce(given: typeof context): Promise<unknown> };
  const schedule = (name: string, { expression, touches, runOnce }: Sweep) => {
    const sweep = () =>
      guarded(touches, () => runOnce(context)).catch((error: unknown) =>
        log.error({ err: error, sweep: name }, 'the sweep failed'),
      );
    const task = cron.schedule(expression, sweep, { name, noOverlap: true });
    resources.add(() => task.destroy());
  };
  schedule('expire-leases', { expression: '* * * * * *', touches: 'records', ...expireLeases });
  schedule('advance-jobs', { expression: '*/5 * * * * *', touches: 'records', ...advanceJobs });
  schedule('move-host-tasks', { expression: '*/5 * * * * *', touches: 'records', ...moveHostTasks });
  schedule('shrink-jobs', { expression: '7 * * * *', touches: 'storage', ...shrinkJobs });
  schedule('note-ended-jobs', { expression: '*/5 * * * * *', touches: 'storage', ...noteEndedJobs });
  schedule('store-job-files', { expression: '* * * * *', touches: 'storage', ...storeJobFiles });
  schedule('clean-storage', { expression: '*/10 * * * *', touches: 'storage', ...cleanStorage });
  schedule('check-videos', { expression: '*/10 * * * *', touches: 'storage', ...checkVideos });
  schedule('expire-uploads', { expression: '37 * * * *', touches: 'storage', ...expireUploads });
  log.info('scheduler started');

  await untilStopSignal(log);
  exitWithoutRedis(redis, log);
}

await runProcess(main);
