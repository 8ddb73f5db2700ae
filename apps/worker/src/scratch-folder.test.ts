import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect, it } from 'vitest';
import { openScratchFolder } from './scratch-folder.js';

it('removes what killed workers of this host left, its own predecessor included, and nothing of others', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'farm-scratch-test-'));
  const dead = spawnSync(process.execPath, ['--version']).pid;
  const left = {
    dead: `farm-worker-${hostname()}-${dead}-aaaaaa`,
    predecessor: `farm-worker-${hostname()}-${process.pid}-aaaaaa`,
    alive: `farm-worker-${hostname()}-${process.ppid}-aaaaaa`,
    elsewhere: `farm-worker-another-host-${dead}-aaaaaa`,
    longerName: `farm-worker-${hostname()}-7-${dead}-aaaaaa`,
    other: 'notes',
  };
  for (const name of Object.values(left)) await mkdir(join(parent, name));
  const own = await openScratchFolder(parent);
  expect((await readdir(parent)).sort()).toEqual(
    [left.alive, left.elsewhere, left.longerName, left.other, basename(own)].sort(),
  );
  await rm(parent, { recursive: true });
});
