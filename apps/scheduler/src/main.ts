import { openTicketQueues, startJanitor } from '@farm/queue';
import { claimStorageRoot, connectRedis, exitWithoutRedis } from '@farm/records';
import { createStorage } from '@farm/storage';
import cron, { type ScheduledTask } from 'node-cron';
import pino from 'pino';
import { readConfig } from './config.js';
import * as advanceJobs from './sweeps/advance-jobs.js';
import * as cleanStorage from './sweeps/clean-storage.js';
import * as expireLeases from './sweeps/expire-leases.js';
import * as expireUploads from './sweeps/expire-uploads.js';
import * as shrinkJobs from './sweeps/shrink-jobs.js';

async function main(): Promise<void> {
  const config = readConfig(process.env);
  const log = pino({
    level: config.logLevel,
    timestamp: pino.stdTimeFunctions.isoTime,
    ...(process.stdout.isTTY && { transport: { target: 'pino-pretty' } }),
  });
  const redis = connectRedis(config.redisUrl, {
    manner: 'patient',
    name: 'farm-scheduler',
    onAway: (message) => log.warn(message),
    onBack: () => log.info('Redis answers again'),
  });
  const storage = await createStorage(config.storage);
  await claimStorageRoot(redis, await storage.rootId());
  const queues = openTicketQueues(redis);
  const records = { redis, enqueue: queues.add };
  const context = { ...config, records, queues, storage, log };
  const janitor = await startJanitor(redis, (taskClass) =>
    log.warn({ taskClass }, 'a ticket whose worker died is back'),
  );

  const schedule = (
    name: string,
    expression: string,
    runOnce: (given: typeof context) => Promise<unknown>,
  ): ScheduledTask =>
    cron.schedule(
      expression,
      () => runOnce(context).catch((error: unknown) => log.error({ err: error, sweep: name }, 'the sweep failed')),
      { name, noOverlap: true },
    );
  const tasks = [
    schedule('expire-leases', '* * * * * *', expireLeases.runOnce),
    schedule('advance-jobs', '*/5 * * * * *', advanceJobs.runOnce),
    schedule('shrink-jobs', '7 * * * *', shrinkJobs.runOnce),
    schedule('clean-storage', '*/10 * * * *', cleanStorage.runOnce),
    schedule('expire-uploads', '37 * * * *', expireUploads.runOnce),
  ];
  log.info('scheduler started');

  let signals = 0;
  await new Promise<void>((resolve) => {
    const leave = () => {
      signals += 1;
      if (signals > 1) process.exit(1);
      resolve();
    };
    process.on('SIGTERM', leave);
    process.on('SIGINT', leave);
  });
  exitWithoutRedis(redis, () => log.warn('Redis is away: leaving without waiting for it'));
  await Promise.all(tasks.map((task) => task.destroy()));
  await janitor.close();
  await queues.close();
  await storage.close();
  redis.disconnect();
  log.info('scheduler ended');
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  },
);
