import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { obtainPython, startGuardedProcess, startRedisServer, toolchainContext } from '@farm/toolchain';
import { expect, it } from 'vitest';

const project = join(import.meta.dirname, '..');
const packageDirectory = join(project, 'packages/engine');

it.each(['worker', 'scheduler'])(
  'a %s that is told to leave while Redis is away leaves',
  async (part) => {
    const folder = await mkdtemp(join(tmpdir(), 'farm-leaving-'));
    const redis = await startRedisServer({ directory: join(folder, 'redis') });
    const logFile = join(folder, 'log');
    const started = await startGuardedProcess({
      command: process.execPath,
      args: [join(project, `apps/${part}/dist/main.js`)],
      logFile,
      environment: {
        ...process.env,
        REDIS_URL: redis.url,
        FARM_STORAGE_DIRECTORY: join(folder, 'objects'),
        FARM_SIGNING_SECRET: 'only-for-signing-urls',
        FARM_SCRATCH_DIRECTORY: join(folder, 'scratch'),
        FARM_PYTHON: await obtainPython(toolchainContext(), { packageDirectory }),
        FARM_ENGINE_PATH: packageDirectory,
      },
    });
    try {
      await expect.poll(() => readFile(logFile, 'utf8')).toContain(`${part} started`);
      process.kill(redis.pid, 'SIGKILL');
      await redis.exited;
      process.kill(started.pid, 'SIGTERM');
      // By itself: what hangs here is otherwise killed, after as long as its supervisor has patience.
      expect((await started.exited).signal).toBeNull();
    } finally {
      await started.stop();
      await rm(folder, { recursive: true, force: true });
    }
  },
  60_000,
);
