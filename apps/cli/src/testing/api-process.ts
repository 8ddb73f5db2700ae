import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { mainFiles } from '@farm/local-farm';
import { freePort, type GuardedProcess, startGuardedProcess, startRedisServer } from '@farm/toolchain';

export interface ApiProcess {
  readonly url: string;
  readonly directory: string;
  /** An administrator's. */
  readonly key: string;
  /** kill -9, and start again on the same port and records. */
  killAndRestart(pauseMs: number): Promise<void>;
  stop(): Promise<void>;
}

/** The real API in a process of its own, on a private Redis and a private folder; no worker claims its jobs. */
export async function startApiProcess(): Promise<ApiProcess> {
  const directory = await mkdtemp(join(tmpdir(), 'farm-cli-'));
  const redis = await startRedisServer({ directory: join(directory, 'redis') });
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const keyFile = join(directory, 'admin.key');
  const environment = {
    ...process.env,
    REDIS_URL: redis.url,
    FARM_PORT: String(port),
    FARM_STORAGE_DIRECTORY: join(directory, 'objects'),
    FARM_SIGNING_SECRET: 'a secret of the tests and of nothing else',
    FARM_ADMIN_KEY_FILE: keyFile,
    FARM_TEMPORARY_DIRECTORY: directory,
  };
  const start = async () => {
    const logFile = join(directory, 'api.log');
    const api = await startGuardedProcess({ command: process.execPath, args: [mainFiles.api], logFile, environment });
    await untilReady(url, api, logFile);
    return api;
  };
  let api = await start();
  return {
    url,
    directory,
    key: (await readFile(keyFile, 'utf8')).trim(),
    async killAndRestart(pauseMs) {
      process.kill(api.pid, 'SIGKILL');
      await api.exited;
      await sleep(pauseMs);
      api = await start();
    },
    async stop() {
      await api.stop();
      await redis.stop();
      await rm(directory, { recursive: true });
    },
  };
}

async function untilReady(url: string, api: GuardedProcess, logFile: string): Promise<void> {
  let ended = false;
  void api.exited.then(() => {
    ended = true;
  });
  while (!ended) {
    const response = await fetch(`${url}/v1/ready`).catch(() => undefined);
    if (response?.ok) return;
    await sleep(30);
  }
  throw new Error(`The API ended immediately:\n${await readFile(logFile, 'utf8')}`);
}
