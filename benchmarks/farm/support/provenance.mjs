import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';

/** What the numbers depend on besides the machine: the commit, the versions, and how busy the machine was before. */
export async function provenance(redis) {
  const info = await redis.info('server');
  const versionOf = (name) =>
    JSON.parse(readFileSync(new URL(`../../../node_modules/${name}/package.json`, import.meta.url), 'utf8')).version;
  return {
    commit: commit(),
    versions: {
      redis: /^redis_version:(\S+)/m.exec(info)?.[1],
      bullmq: versionOf('bullmq'),
      ioredis: versionOf('ioredis'),
      fastify: versionOf('fastify'),
    },
    loadAverage: loadavg()[0],
  };
}

/** With `-dirty` after it where the working tree differs; undefined outside a git checkout. */
function commit() {
  try {
    const options = { cwd: import.meta.dirname, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] };
    return execFileSync('git', ['describe', '--always', '--dirty', '--abbrev=12'], options).trim();
  } catch {
    return undefined;
  }
}
