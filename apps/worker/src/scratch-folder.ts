import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A folder of this process's own; those that killed workers of this machine left in the same parent are removed first.
 * Process ids of other machines and containers, which may share the parent, mean nothing here.
 */
export async function openScratchFolder(parent = tmpdir()): Promise<string> {
  await mkdir(parent, { recursive: true });
  const prefix = `farm-worker-${hostname()}-`;
  for (const name of await readdir(parent)) {
    const pid = name.startsWith(prefix) && Number(/^(\d+)-\w{6}$/.exec(name.slice(prefix.length))?.[1]);
    // In a container every worker has the same id: a folder with this process's own was left by an earlier one.
    if (pid && (pid === process.pid || !isAlive(pid))) await rm(join(parent, name), { recursive: true, force: true });
  }
  return mkdtemp(join(parent, `${prefix}${process.pid}-`));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
