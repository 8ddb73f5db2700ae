import { rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { VramClass } from '@farm/contracts';
import { openTicketQueues } from '@farm/queue';
import { claimStorageRoot, connectRedis, exitWithoutRedis } from '@farm/records';
import { createStorage } from '@farm/storage';
import pino from 'pino';
import { readConfig, type WorkerConfig } from './config.js';
import { EngineHost } from './engine/engine-host.js';
import { probeGpu, vramClassOf } from './probe-gpu.js';
import { openScratchFolder } from './scratch-folder.js';
import { Worker } from './worker.js';

async function resolveClass(config: WorkerConfig): Promise<{ vramClass: VramClass; gpu: string | null }> {
  const gpu = config.engine === 'draft' ? undefined : await probeGpu();
  const found = gpu && vramClassOf(gpu.memoryMiB);
  const vramClass = config.vramClass ?? found ?? 'cpu';
  return { vramClass, gpu: gpu ? `${gpu.name} (${gpu.memoryMiB} MiB)` : null };
}

function engineLine(config: WorkerConfig) {
  const environment: NodeJS.ProcessEnv = { ...process.env, PYTHONUNBUFFERED: '1' };
  if (config.enginePath) environment.PYTHONPATH = config.enginePath;
  return {
    command: config.python,
    args: ['-m', 'farm_engine', config.engine, ...config.engineArguments],
    environment,
  };
}

async function main(): Promise<void> {
  const config = readConfig(process.env);
  const log = pino({
    level: config.logLevel,
    base: { workerId: config.workerId },
    timestamp: pino.stdTimeFunctions.isoTime,
    ...(process.stdout.isTTY && { transport: { target: 'pino-pretty', options: { ignore: 'workerId' } } }),
  });
  const redis = connectRedis(config.redisUrl, {
    manner: 'patient',
    name: `farm-worker-${config.workerId}`,
    onAway: (message) => log.warn(message),
    onBack: () => log.info('Redis answers again'),
  });
  const storage = await createStorage(config.storage);
  await claimStorageRoot(redis, await storage.rootId());
  const queues = openTicketQueues(redis);
  const engine = new EngineHost(config.engine, engineLine(config), log);
  const scratchDirectory = await openScratchFolder(config.scratchDirectory);
  const { vramClass, gpu } = await resolveClass(config);
  const records = { redis, enqueue: queues.add };
  const worker = new Worker(
    { records, storage, media: config.media, engine, maximumSpeechSeconds: config.maximumSpeechSeconds },
    redis,
    { id: config.workerId, vramClass, engine: config.engine, host: hostname(), gpu, scratchDirectory },
    log,
  );

  let signals = 0;
  const leave = () => {
    signals += 1;
    if (signals > 1) process.exit(1);
    worker.shutDown();
    // Without Redis there is nobody to hand anything to: leases run out by themselves, and the engine ends with this process.
    exitWithoutRedis(redis, () => log.warn('Redis is away: leaving without handing back'));
  };
  process.on('SIGTERM', leave);
  process.on('SIGINT', leave);
  process.on('SIGUSR2', () => worker.drain());

  log.info({ vramClass, engine: config.engine, gpu, storage: storage.description }, 'worker started');
  try {
    await worker.run();
  } finally {
    await engine.stop();
    await rm(scratchDirectory, { recursive: true, force: true });
    await queues.close();
    await storage.close();
    redis.disconnect();
  }
  log.info('worker ended');
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  },
);
