import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const program = fileURLToPath(new URL('../../bin/farm.js', import.meta.url));
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'farm-weights-'));
});
afterEach(() => rm(directory, { recursive: true }));

/** `farm weights` with this script instead of Python; what Python does is tested in packages/engine. */
async function start(python: string, ...words: string[]) {
  const path = join(directory, 'python');
  await writeFile(path, `#!/bin/sh\n${python}\n`);
  await chmod(path, 0o755);
  const environment = { ...process.env, FARM_PYTHON: path };
  const child = spawn(process.execPath, [program, 'weights', ...words], { env: environment });
  const ended = Promise.all([once(child, 'exit'), text(child.stdout), text(child.stderr)]).then(
    ([[code], stdout, stderr]) => ({ code, stdout, stderr }),
  );
  return { child, ended };
}

test('passes its options on', async () => {
  const { ended } = await start('echo "$@"', 'check', '--json', '--sizes-only', '--folder', '/srv/w');
  expect(await ended).toEqual({
    code: 0,
    stdout: '-m farm_engine.weights check --folder /srv/w --sizes-only --json\n',
    stderr: '',
  });
});

test.each([5, 11])('exit code %i is passed on without another message', async (code) => {
  const { ended } = await start(`echo '{"error":{}}' >&2; exit ${code}`, 'check', '--json');
  expect(await ended).toEqual({ code, stdout: '', stderr: '{"error":{}}\n' });
});

test('a failure of Python is reported', async () => {
  const { ended } = await start('exit 1', 'list', '--json');
  const { code, stderr } = await ended;
  expect(code).toBe(1);
  expect(JSON.parse(stderr).error).toEqual({
    code: 'weights-failed',
    message: 'farm weights list ended with exit code 1; the reason is above.',
  });
});

test('what ends farm ends Python, too, and says how to continue', async () => {
  const { child, ended } = await start('echo pulling; exec sleep 60', 'pull');
  await once(child.stdout, 'data');
  child.kill('SIGTERM');
  expect(await ended).toMatchObject({
    code: 130,
    stderr: 'Stopped; what was downloaded is kept. The same command continues from there.\n',
  });
});
