import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { installOnce } from './install-once.js';
import { runCommand } from './run-command.js';
import { type ScratchMachine, scratchMachine } from './testing.js';

let machine: ScratchMachine;
let directory: string;

beforeEach(async () => {
  machine = await scratchMachine();
  directory = join(machine.context().cacheDirectory, 'tool', '1.0');
});

afterEach(() => machine.remove());

function installation(build: (buildDirectory: string) => Promise<void>) {
  return { directory, product: 'program', build };
}

test('of two at the same time one builds and the other waits for it', async () => {
  let builds = 0;
  const slow = installation(async (buildDirectory) => {
    builds += 1;
    await new Promise((resolve) => setTimeout(resolve, 200));
    await writeFile(join(buildDirectory, 'program'), 'whole');
  });
  await Promise.all([installOnce(machine.context(), slow), installOnce(machine.context(), slow)]);
  await installOnce(machine.context(), slow);
  expect(builds).toBe(1);
  expect(await readdir(dirname(directory))).toEqual(['1.0']);
});

test('a build that fails leaves nothing and can be tried again', async () => {
  const failing = installation(async (buildDirectory) => {
    await writeFile(join(buildDirectory, 'half'), '');
    throw new Error('no space left');
  });
  await expect(installOnce(machine.context(), failing)).rejects.toThrow('no space left');
  expect(await readdir(dirname(directory))).toEqual([]);
  await installOnce(
    machine.context(),
    installation((folder) => writeFile(join(folder, 'program'), 'whole')),
  );
  expect(await readFile(join(directory, 'program'), 'utf8')).toBe('whole');
});

test('leftovers of a killed run are cleared, and a folder without its product is built again', async () => {
  await mkdir(`${directory}.partial-0badcafe`, { recursive: true });
  await mkdir(directory);
  await writeFile(join(directory, 'stray'), '');
  await installOnce(
    machine.context(),
    installation((folder) => writeFile(join(folder, 'program'), '')),
  );
  expect(await readdir(dirname(directory))).toEqual(['1.0']);
  expect(await readdir(directory)).toEqual(['program']);
});

test('aborting ends the running command with its children and removes what it has made', async () => {
  const abort = new AbortController();
  const context = machine.context({ signal: abort.signal });
  const pidFile = join(machine.root, 'pid');
  const command = await machine.script('slow-build', `sleep 300 & echo $! > '${pidFile}'; wait`);
  const installing = installOnce(
    context,
    installation(async (buildDirectory) => {
      await writeFile(join(buildDirectory, 'half'), '');
      await runCommand({ command, args: [], environment: context.environment, signal: abort.signal });
    }),
  );
  const childPid = await expect
    .poll(() => readFile(pidFile, 'utf8').catch(() => ''), { timeout: 5000 })
    .toMatch(/^\d+\n$/)
    .then(() => readFile(pidFile, 'utf8'));
  abort.abort(new Error('Interrupted.'));
  await expect(installing).rejects.toThrow('Interrupted.');
  expect(await readdir(dirname(directory))).toEqual([]);
  await expect.poll(() => isRunning(Number(childPid)), { timeout: 3000 }).toBe(false);
});

/** A killed child of a killed parent may stay a zombie where nothing reaps it. */
async function isRunning(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return status !== undefined && !/\) Z/.test(status);
}
