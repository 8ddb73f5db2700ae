import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { temporaryFolder } from '../fixtures/make-media.js';
import { makeFifos } from '../video/make-fifo.js';
import { runProcess } from './run-process.js';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.remove());

const shell = (script: string, extra = {}) => runProcess({ command: '/bin/sh', args: ['-c', script], ...extra });

test('reports how a program ended, with its output and the end of its error output', async () => {
  const finished = await shell('echo out; echo progress >&3; echo words >&2; exit 3');
  expect(finished).toMatchObject({ exitCode: 3, exitSignal: null, progress: 'progress\n', stderr: 'words' });
  expect(finished.stdout.toString()).toBe('out\n');
});

test('keeps only the end of the error output, and kills a program that prints too much', async () => {
  const talkative = await shell('i=0; while [ $i -lt 3000 ]; do echo line $i >&2; i=$((i+1)); done');
  expect(talkative.stderr.length).toBeLessThanOrEqual(4096);
  expect(talkative.stderr).toMatch(/line 2999$/);
  const flood = await shell('while :; do echo flood; done', { maximumOutputBytes: 100_000 });
  expect(flood).toMatchObject({ exitCode: null, exitSignal: 'SIGKILL' });
});

/** Processes whose command line has `text` in it. Linux only, as its `/proc`. */
async function processesWith(text: string): Promise<number> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const commands = await Promise.all(ids.map((id) => readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')));
  return commands.filter((command) => command.includes(text)).length;
}

/** Kills the worker as soon as it has started a process that is given the FIFO: no guard knows of that one yet. */
const DIES_IMMEDIATELY = `
import childProcess from 'node:child_process';
import { syncBuiltinESMExports } from 'node:module';
const { spawn } = childProcess;
childProcess.spawn = (command, args, options) => {
  const child = spawn(command, args, options);
  if (args.some((word) => word.includes(process.env.FIFO))) process.kill(process.pid, 'SIGKILL');
  return child;
};
syncBuiltinESMExports();`;

test.runIf(process.platform === 'linux').each([
  ['later', ''],
  ['as it starts the encoder', DIES_IMMEDIATELY],
])('an encoder that waits for its writer dies with a worker that is killed %s', async (when, preparation) => {
  const fifoPath = folder.path('fifo');
  await makeFifos([fifoPath]);
  const built = new URL('../../dist/index.js', import.meta.url).href;
  const options = { fifoPath, outputPath: folder.path('a.mp4'), width: 64, height: 64, frameCount: 1 };
  const script = `${preparation}
    const { encodePiece } = await import(${JSON.stringify(built)});
    await encodePiece({ ffmpegPath: 'ffmpeg', ffprobePath: 'ffprobe' }, JSON.parse(process.env.PIECE));`;
  const worker = spawn(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...process.env, FIFO: fifoPath, PIECE: JSON.stringify(options) },
    stdio: 'ignore',
  });
  const ended = once(worker, 'close');
  if (when === 'later') {
    await vi.waitUntil(async () => (await processesWith(`file:${fifoPath}`)) === 1, { timeout: 10_000 });
    worker.kill('SIGKILL');
  }
  expect(await ended).toEqual([null, 'SIGKILL']);
  await vi.waitUntil(async () => (await processesWith(`file:${fifoPath}`)) === 0, { timeout: 5000 });
});
