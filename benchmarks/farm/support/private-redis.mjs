import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectRedis } from '@farm/records';
import { startRedisServer } from '@farm/toolchain';

/** A redis-server with an append-only file (everysec) for `work` alone, in a folder that is removed afterwards. */
export async function withPrivateRedis(work) {
  const directory = await mkdtemp(join(tmpdir(), 'measured-farm-'));
  const server = await startRedisServer({ directory });
  const redis = connectRedis(server.url, { manner: 'patient', name: 'measured-farm' });
  try {
    return await work({ redis, url: server.url });
  } finally {
    redis.disconnect();
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  }
}
