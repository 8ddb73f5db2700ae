import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { WorkerView } from '@farm/contracts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type CapturedRun, runCaptured } from './testing/run-captured.js';

type Line = { event: string; [name: string]: unknown };

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'farm-json-'));
});
afterEach(() => rm(directory, { recursive: true }));

const farm = (...words: string[]) => runCaptured(words, { environment: process.env });

/** A command that runs until it is stopped, and the lines of JSON that it has printed. */
function running(...words: string[]) {
  const stop = new AbortController();
  const lines: Line[] = [];
  const onStdout = (text: string) => {
    for (const line of text.trimEnd().split('\n')) lines.push(JSON.parse(line) as Line);
  };
  const ended: Promise<CapturedRun> = runCaptured(words, { environment: process.env, signal: stop.signal, onStdout });
  return { lines, ended, stop: () => stop.abort() };
}

async function firstLine({ lines, ended }: ReturnType<typeof running>): Promise<Line> {
  const failed = ended.then(({ stderr }) => {
    throw new Error(`It ended before it printed anything:\n${stderr}`);
  });
  await Promise.race([expect.poll(() => lines.length, { timeout: 50_000 }).toBeGreaterThan(0), failed]);
  return lines[0]!;
}

const CTRL_C_IN_TERMINAL = `
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0: os.execvp(sys.argv[1], sys.argv[1:])
shown = b''
try:
    while b'engine ready' not in shown: shown += os.read(terminal, 4096)
    os.write(terminal, b'\\x03')
    while True: shown += os.read(terminal, 4096)
except OSError: pass # the other side is closed
print(shown.decode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))`;

/** Runs a command in a terminal and presses Ctrl-C when its engine is ready. @throws unless it ends with 0 */
async function interruptedInTerminal(...words: string[]): Promise<string> {
  const program = fileURLToPath(new URL('../bin/farm.js', import.meta.url));
  const line = ['-c', CTRL_C_IN_TERMINAL, process.execPath, program, ...words];
  return (await promisify(execFile)('python3', line, { timeout: 60_000 })).stdout;
}

test('a farm, a worker that is drained, and one that Ctrl-C ends', async () => {
  const data = join(directory, 'data');
  const [variables, here] = [join(data, 'worker.env'), ['--data', data]];
  const workers = async () => {
    const list = JSON.parse((await farm('workers', '--json', ...here)).stdout) as { workers: WorkerView[] };
    return list.workers;
  };
  const up = running('up', '--port', '0', ...here, '--json', '--quiet');
  let second: ReturnType<typeof running> | undefined;
  try {
    expect(await firstLine(up)).toMatchObject({
      event: 'up',
      url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      data,
      adminKey: (await readFile(join(data, 'admin.key'), 'utf8')).trim(),
      processes: { redis: expect.any(Number), api: expect.any(Number), worker: expect.any(Number) },
    });

    second = running('worker', '--json', '--env', variables, '--id', 'second');
    const { lines } = second;
    const isIdle = async () => (await workers()).find(({ id }) => id === 'second')?.status === 'idle';
    await expect.poll(isIdle, { timeout: 30_000 }).toBe(true);
    const drained = await farm('workers', 'drain', 'second', '--wait', '--json', ...here);
    expect(drained).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(drained.stdout)).toEqual({ workers: [{ id: 'second', status: 'gone' }] });
    expect((await second.ended).code).toBe(0);
    expect(lines.map(({ msg }) => msg)).toEqual(expect.arrayContaining(['worker started', 'worker ended']));

    const third = await interruptedInTerminal('worker', '--env', variables, '--id', 'third');
    expect(third).toMatch(/engine ready[\s\S]*\^C[\s\S]*worker ended/);
    expect((await workers()).map(({ id }) => id)).not.toContain('third');
  } finally {
    second?.stop();
    up.stop();
    expect((await up.ended).code).toBe(0);
  }
  expect(up.lines.map(({ event }) => event)).toEqual(['up', 'stopping', 'stopped']);
}, 120_000);

test('a demo in JSON', async () => {
  const [speech, out] = [join(directory, 'hum.wav'), join(directory, 'hum.mp4')];
  await writeFile(speech, hum(1));
  const { code, stdout } = await farm('demo', '--json', '--speech', speech, '--size', '128*128', '--out', out);
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  const events = lines.map(({ event }) => event).filter((event, index, all) => event !== all[index - 1]);
  expect({ code, events }).toEqual({ code: 0, events: ['up', 'submitted', 'progress', 'ended', 'saved'] });
  expect(lines.at(-1)).toEqual({ event: 'saved', path: out });
  expect((await readFile(out)).toString('latin1', 4, 8)).toBe('ftyp');
}, 120_000);

/** A WAV file: a sine of 150 Hz, 16 kHz, 16 bits, mono. */
function hum(seconds: number): Buffer {
  const rate = 16_000;
  const samples = Int16Array.from(
    { length: seconds * rate },
    (_, i) => 8000 * Math.sin((2 * Math.PI * 150 * i) / rate),
  );
  const header = Buffer.alloc(44);
  header.write('RIFF', 0);
  header.writeUInt32LE(36 + samples.byteLength, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  for (const [index, value] of [1, 1].entries()) header.writeUInt16LE(value, 20 + 2 * index);
  header.writeUInt32LE(rate, 24);
  header.writeUInt32LE(2 * rate, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36);
  header.writeUInt32LE(samples.byteLength, 40);
  return Buffer.concat([header, Buffer.from(samples.buffer)]);
}
