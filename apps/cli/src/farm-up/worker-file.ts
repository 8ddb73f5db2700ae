import { writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type DataDirectory, secretIn } from './data-directory.js';
import type { LocalFarmOptions } from './local-farm.js';

export const isLoopback = (host: string) => host === 'localhost' || host.startsWith('127.');

/** Where other machines find this one. */
function reachableHost({ host, publicUrl }: LocalFarmOptions): string {
  if (publicUrl !== undefined) return new URL(publicUrl).hostname;
  return host === '0.0.0.0' ? hostname() : host;
}

/** What `farm worker --env` needs on another machine, secrets included: mode 600. */
export async function writeWorkerFile(
  directory: DataDirectory,
  environment: NodeJS.ProcessEnv,
  options: LocalFarmOptions,
): Promise<void> {
  const names = Object.keys(environment).filter((name) => /^(REDIS_URL|S3_\w+|FARM_STORAGE\w*)$/.test(name));
  const secret = `FARM_SIGNING_SECRET=${await secretIn(directory.signingSecretFile)}`;
  const lines = [
    ...names.sort().map((name) => `${name}=${environment[name]?.replace('127.0.0.1', reachableHost(options))}`),
    secret,
  ];
  await writeFile(join(directory.path, 'worker.env'), `${lines.join('\n')}\n`, { mode: 0o600 });
}
