import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { enginePath, mainFiles } from '@farm/local-farm';
import { obtainPython, startGuardedProcess, startRedisServer, toolchainContext } from '@farm/toolchain';
import { expect, it } from 'vitest';

it.each(['worker', 'scheduler'] as const)(
  'a %s that is asked to leave while Redis is unavailable leaves',
  async (part) => {
    const folder = await mkdtemp(join(tmpdir(), 'farm-leaving-'));
    const redis = await startRedisServer({ directory: join(folder, 'redis') });
    const logFile = join(folder, 'log');
    const started = await startGuardedProcess({
      command: process.execPath,
      args: [mainFiles[part]],
      logFile,
      environment: {
        ...process.env,
        REDIS_URL: redis.url,
        FARM_STORAGE_DIRECTORY: join(folder, 'objects'),
        FARM_SIGNING_SECRET: 'only-for-signing-urls',
        FARM_SCRATCH_DIRECTORY: join(folder, 'scratch'),
        FARM_PYTHON: await obtainPython(toolchainContext(), { packageDirectory: enginePath }),
        FARM_ENGINE_PATH: enginePath,
      },
    });
    try {
      await expect.poll(() => readFile(logFile, 'utf8')).toContain(`${part} started`);
      process.kill(redis.pid, 'SIGKILL');
      await redis.exited;
      process.kill(started.pid, 'SIGTERM');
      // By itself, and not killed by its supervisor after a grace period.
      expect((await started.exited).signal).toBeNull();
    } finally {
      await started.stop();
      await rm(folder, { recursive: true, force: true });
    }
  },
  60_000,
);
