import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startLocalFarm } from '@farm/local-farm';
import { connectRedis } from '@farm/records';
import { toolchainContext } from '@farm/toolchain';

/**
 * A whole farm of real processes (redis-server with append-only file, filesystem storage, API, scheduler, one draft
 * worker) for `work` alone, in a folder that is removed afterwards.
 * @param {NodeJS.ProcessEnv} settings for every process of the farm
 */
export async function withLocalFarm(settings, work) {
  const folder = await mkdtemp(join(tmpdir(), 'measured-farm-'));
  const farm = await startLocalFarm({
    directory: join(folder, 'data'),
    host: '127.0.0.1',
    port: 0,
    storage: 'filesystem',
    engine: 'draft',
    engineArguments: [],
    toolchain: toolchainContext({ environment: { ...process.env, ...settings } }),
    onTrouble: (message) => process.stderr.write(`${message}\n`),
  });
  const redis = connectRedis(farm.environment.REDIS_URL, { manner: 'patient', name: 'measured-farm' });
  try {
    return await work({ farm, redis, folder });
  } finally {
    redis.disconnect();
    await farm.stop();
    await rm(folder, { recursive: true, force: true });
  }
}
