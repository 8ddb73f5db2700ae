import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type DataDirectory, secretIn } from './data-directory.js';
import { type ListenAddress, reachableHost } from './listen-address.js';

/** What `farm worker --env` needs on another machine, secrets included: mode 600. */
export async function writeWorkerFile(
  directory: DataDirectory,
  environment: NodeJS.ProcessEnv,
  address: ListenAddress,
): Promise<void> {
  const names = Object.keys(environment).filter((name) => /^(REDIS_URL|S3_\w+|FARM_STORAGE\w*)$/.test(name));
  const secret = `FARM_SIGNING_SECRET=${await secretIn(directory.signingSecretFile)}`;
  const lines = [
    ...names.sort().map((name) => `${name}=${environment[name]?.replace('127.0.0.1', reachableHost(address))}`),
    secret,
  ];
  await writeFile(join(directory.path, 'worker.env'), `${lines.join('\n')}\n`, { mode: 0o600 });
}
