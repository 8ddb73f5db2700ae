import { rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { VramClass } from '@farm/contracts';
import {
  connectBackends,
  createLogger,
  exitWithoutRedis,
  type OpenResources,
  onStopSignal,
  runProcess,
} from '@farm/process';
import { addEngineLoad, longestEngineLoad } from '@farm/records';
import { type Configuration, readConfiguration } from './configuration.js';
import type { EngineCommandLine } from './engine/engine-process.js';
import { ResidentEngine } from './engine/resident-engine.js';
import { probeGpu, vramClassOf } from './probe-gpu.js';
import { openScratchFolder } from './scratch-folder.js';
import { Worker } from './worker.js';

async function resolveClass(configuration: Configuration): Promise<{ vramClass: VramClass; gpu: string | null }> {
  const gpu = configuration.engine === 'draft' ? undefined : await probeGpu();
  const found = gpu && vramClassOf(gpu.memoryMiB);
  const vramClass = configuration.vramClass ?? found ?? 'cpu';
  return { vramClass, gpu: gpu ? `${gpu.name} (${gpu.memoryMiB} MiB)` : null };
}

function engineCommandLine({ python, engine, enginePath, engineArguments }: Configuration): EngineCommandLine {
  const environment: NodeJS.ProcessEnv = { ...process.env, PYTHONUNBUFFERED: '1' };
  if (enginePath) environment.PYTHONPATH = enginePath;
  return { command: python, args: ['-m', 'farm_engine', engine, ...engineArguments], environment };
}

async function main(resources: OpenResources): Promise<void> {
  const configuration = readConfiguration(process.env);
  const { workerId, media, maximumSpeechSeconds } = configuration;
  const log = createLogger({ level: configuration.logLevel, base: { workerId } }, { ignoredOnTerminal: 'workerId' });
  resources.add(() => log.info('worker ended'));
  const { redis, storage, queues, identity } = await connectBackends({
    name: `farm-worker-${workerId}`,
    manner: 'patient',
    configuration,
    log,
    resources,
  });
  await identity.establish();
  const scratchDirectory = await openScratchFolder(configuration.scratchDirectory);
  resources.add(() => rm(scratchDirectory, { recursive: true, force: true }));
  const { vramClass, gpu } = await resolveClass(configuration);
  const records = { redis, farmId: identity.farmId, enqueue: queues.add };
  const home = { host: hostname(), engine: configuration.engine };
  const engine = new ResidentEngine(configuration.engine, engineCommandLine(configuration), log, {
    loads: {
      longestMs: () => longestEngineLoad(records, home),
      add: (loadMs) => addEngineLoad(records, home, loadMs),
    },
  });
  resources.add(() => engine.stop());
  const worker = new Worker({
    resources: { records, storage, media, engine, maximumSpeechSeconds },
    options: { id: workerId, vramClass, engine: configuration.engine, host: hostname(), gpu, scratchDirectory },
    redis,
    log,
  });

  onStopSignal(log, () => {
    worker.shutDown();
    // Without Redis there is nobody to return anything to: leases run out, and the engine ends with this process.
    exitWithoutRedis(redis, log);
  });
  process.on('SIGUSR2', () => worker.drain());

  log.info({ vramClass, engine: configuration.engine, gpu, storage: storage.description }, 'worker started');
  await worker.run();
}

await runProcess(main);
