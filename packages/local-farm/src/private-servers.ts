import { join } from 'node:path';
import { startMinio, startRedisServer, type ToolchainContext } from '@farm/toolchain';
import { type DataDirectory, secretIn } from './data-directory.js';
import { isLoopback } from './listen-address.js';
import type { Supervisor } from './supervisor.js';

export interface PrivateServerOptions {
  readonly directory: DataDirectory;
  /** Where the API listens; the servers follow it to the network, or stay on loopback with it. */
  readonly host: string;
  readonly toolchain: ToolchainContext;
}

/** Starts a redis-server with a password. @returns its URL */
export async function addRedis(supervisor: Supervisor, options: PrivateServerOptions): Promise<string> {
  const { directory, toolchain: context } = options;
  const host = isLoopback(options.host) ? '127.0.0.1' : options.host;
  const password = await secretIn(join(directory.path, 'redis.password'));
  let url = '';
  let port: number | undefined;
  const start = async () => {
    // A restarted server keeps its port: the other processes hold on to the address.
    const server = await startRedisServer({
      directory: directory.redis,
      host,
      password,
      context,
      ...(port && { port }),
    });
    ({ url, port } = server);
    return server;
  };
  await supervisor.add({ name: 'redis', start });
  return url;
}

/** Starts a MinIO server. @returns the variables that make the farm's processes use it */
export async function addMinio(supervisor: Supervisor, options: PrivateServerOptions): Promise<Record<string, string>> {
  const { directory, toolchain: context } = options;
  const secretKey = await secretIn(join(directory.path, 'minio.secret'));
  const accessKey = 'farm';
  let url = '';
  let port: number | undefined;
  const start = async () => {
    const server = await startMinio({
      directory: directory.minio,
      host: isLoopback(options.host) ? '127.0.0.1' : '0.0.0.0',
      accessKey,
      secretKey,
      context,
      ...(port && { port }),
    });
    ({ url, port } = server);
    return server;
  };
  await supervisor.add({ name: 'minio', start });
  return {
    FARM_STORAGE: 's3',
    S3_ENDPOINT: url,
    S3_BUCKET: 'farm',
    S3_ACCESS_KEY_ID: accessKey,
    S3_SECRET_ACCESS_KEY: secretKey,
  };
}
