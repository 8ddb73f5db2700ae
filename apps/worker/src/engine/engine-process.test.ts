import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RenderCommand } from '@farm/contracts';
import pino from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { EngineProcess, type RenderListener } from './engine-process.js';
import { loadingBoundMs, ResidentEngine } from './resident-engine.js';

const log = pino({ level: 'silent' });
let folder: string;
const engines: EngineProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'farm-engine-'));
});
afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.stop()));
});
afterAll(() => rm(folder, { recursive: true }));

const hello = { type: 'hello', protocolVersion: 2, engine: 'scripted', engineVersion: '9', pid: 1 };
const ready = { type: 'ready', description: { device: 'none' } };

/** A process that speaks the protocol as the test needs it: `body` sees each command and may `say` events. */
async function scripted(body: string, first: object[] = [hello, ready]) {
  const path = join(folder, `engine-${Math.random()}.mjs`);
  await writeFile(
    path,
    `import { createInterface } from 'node:readline';
     const say = (event) => process.stdout.write((typeof event === 'string' ? event : JSON.stringify(event)) + '\\n');
     for (const event of ${JSON.stringify(first)}) say(event);
     createInterface({ input: process.stdin }).on('line', async (line) => { const command = JSON.parse(line); ${body} })
       .on('close', () => process.exit(0));`,
  );
  return { command: process.execPath, args: [path], environment: process.env };
}

const withTail = (body: string) => async (line: Awaited<ReturnType<typeof scripted>>) => {
  await appendFile(line.args[0]!, body);
  return line;
};

async function start(body: string, first?: object[]): Promise<EngineProcess> {
  const engine = new EngineProcess(await scripted(body, first), log);
  engines.push(engine);
  return engine;
}

const command: RenderCommand = {
  type: 'render',
  renderId: 'r1',
  portraitPath: 'p.png',
  speech: { path: 's.wav', marginBefore: 0, sampleCount: 7680 },
  prompt: 'x',
  width: 64,
  height: 64,
  segmentFrameCount: 12,
  pieces: [{ index: 0, firstFrame: 0, frameCount: 12, fifoPath: 'f' }],
  seed: 1,
  settings: { steps: 4, precision: 'auto', framesPerClip: 48 },
};
const heard: unknown[] = [];
const listener: RenderListener = {
  onProgress: (frames) => heard.push(frames),
  onPieceFinished: (piece) => heard.push(piece.index),
  onWarning: (warning) => heard.push(warning.code),
};

describe('EngineProcess', () => {
  it('renders, and passes on progress, pieces and warnings of that render only', async () => {
    heard.length = 0;
    const engine = await start(`
      if (command.type !== 'render') return;
      say({ type: 'progress', renderId: 'other', phase: 'frames', framesDone: 99, frameCount: 12 });
      say({ type: 'warning', renderId: 'r1', code: 'no-face', message: 'No face.' });
      say({ type: 'progress', renderId: 'r1', phase: 'frames', framesDone: 6, frameCount: 12 });
      say({ type: 'piece-finished', renderId: 'r1', index: 0, firstFrame: 0, frameCount: 12, sha256: '${'a'.repeat(64)}', renderSeconds: 1 });
      say({ type: 'finished', renderId: 'r1', renderSeconds: 1, peakBytes: 5 });`);
    await engine.ready();
    expect(engine.engineVersion).toBe('9');
    const outcome = await engine.render(command, listener);
    expect(outcome).toMatchObject({ status: 'finished', event: { peakBytes: 5 } });
    expect(heard).toEqual(['no-face', 6, 0]);
  });

  it('reports an interrupted render as an outcome', async () => {
    const engine = await start(
      `if (command.type === 'interrupt') say({ type: 'interrupted', renderId: command.renderId });`,
    );
    await engine.ready();
    const rendering = engine.render(command, listener);
    engine.interrupt('r1', 'now');
    expect(await rendering).toEqual({ status: 'interrupted' });
  });

  it("rejects with the engine's own error, and renders again", async () => {
    const engine = await start(`
      if (command.type === 'render') say({ type: 'failed', renderId: 'r1', code: 'bad-image', message: 'No.', retriable: 'never', details: {} });`);
    for (let i = 0; i < 2; i += 1)
      await expect(engine.render(command, listener)).rejects.toMatchObject({ code: 'bad-image', retriable: 'never' });
    expect(engine.hasExited).toBe(false);
  });

  it('names a crash in the middle of a render', async () => {
    const engine = await start(`if (command.type === 'render') process.exit(3);`);
    await expect(engine.render(command, listener)).rejects.toMatchObject({
      code: 'engine-crashed',
      retriable: 'this-worker',
    });
    await expect(engine.render(command, listener)).rejects.toMatchObject({ code: 'engine-crashed' });
  });

  it('notices a crash even when a process that the engine had started holds its pipes open', async () => {
    const engine = await start(`if (command.type === 'render') {
      const { spawn } = await import('node:child_process');
      const { pid } = spawn('sleep', ['300'], { stdio: ['ignore', 'inherit', 'inherit'] });
      say({ type: 'warning', renderId: 'r1', code: String(pid), message: 'Left behind.' });
      setTimeout(() => process.kill(process.pid, 'SIGKILL'), 50);
    }`);
    heard.length = 0;
    await expect(engine.render(command, listener)).rejects.toMatchObject({ code: 'engine-killed' });
    expect(engine.hasExited).toBe(true);
    process.kill(Number(heard[0]), 'SIGKILL');
  }, 10_000);

  it.each([
    ['the kernel counts a memory kill', [3, 4], /memory limit was probably reached.*rose from 3 to 4/],
    ['the kernel counts none', [3, 3], /memory limit was probably reached.*did not rise/],
    ['the kernel does not count', [undefined, undefined], /memory limit was probably reached\. Give/],
  ])('names a SIGKILL that it did not send, where %s', async (_name, counts, words) => {
    const left = [...counts];
    const engine = new EngineProcess(await scripted(''), log, { memoryKills: () => left.shift() });
    engines.push(engine);
    await engine.ready();
    const rendering = engine.render(command, listener);
    process.kill(engine.pid, 'SIGKILL');
    const [before, after] = counts;
    await expect(rendering).rejects.toMatchObject({
      code: 'engine-killed',
      retriable: 'another-worker',
      message: expect.stringMatching(words),
      data: before === undefined ? {} : { before, after },
    });
  });

  it('does not take its own SIGKILL for a memory kill, nor another signal', async () => {
    const released = await start('', [hello, ready]);
    await released.ready();
    const rendering = released.render(command, listener);
    void rendering.catch(() => {});
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    const releasing = released.release('r1', rendering);
    await vi.advanceTimersByTimeAsync(15_000);
    vi.useRealTimers();
    await releasing;
    await expect(rendering).rejects.toMatchObject({ code: 'engine-crashed' });
    const aborted = await start(`process.kill(process.pid, 'SIGABRT');`);
    await expect(aborted.render(command, listener)).rejects.toMatchObject({ code: 'engine-crashed' });
  });

  it('keeps the reason that the engine gave before it ended', async () => {
    const reason = {
      type: 'failed',
      renderId: null,
      code: 'weights-missing',
      message: 'None.',
      retriable: 'another-worker',
      details: {},
    };
    const engine = await start('', [hello, reason]);
    await engine.stop();
    await expect(engine.ready()).rejects.toMatchObject({ code: 'weights-missing', retriable: 'another-worker' });
  });

  it.each([
    ['a line that is not JSON', `say('Loading weights: 10 %')`],
    ['an event with an unknown field', `say({ type: 'alive', renderId: null, mood: 'good' })`],
  ])('ends an engine that writes %s', async (_name, body) => {
    const engine = await start(`if (command.type === 'render') ${body};`);
    await expect(engine.render(command, listener)).rejects.toMatchObject({ code: 'engine-protocol' });
    await engine.exited;
  });

  it.each([
    ['falls silent', '', { silenceMs: 1000 }, 'was silent for 1 s'],
    [
      'is alive but makes no progress',
      `setInterval(() => say({ type: 'alive', renderId: 'r1' }), 100);`,
      { silenceMs: 60_000, stalledMs: 1200 },
      'made no progress for 0.02 min',
    ],
  ])('ends an engine that %s in a render', async (_name, body, patience, words) => {
    const engine = new EngineProcess(await scripted(body), log, { patience });
    engines.push(engine);
    await engine.ready();
    await expect(engine.render(command, listener)).rejects.toMatchObject({
      code: 'engine-hung',
      retriable: 'another-worker',
      message: expect.stringContaining(words),
    });
    await engine.exited;
  });

  /** Writes `text` again and again to a descriptor, some megabytes. */
  const floods = (descriptor: 1 | 2, text: string, megabytes = 600) => `{
    const { writeSync } = await import('node:fs');
    const chunk = Buffer.from('${text}'.repeat(Math.ceil(1048576 / ${text.length})));
    const write = (bytes) => { for (let at = 0; at < bytes.length; ) try { at += writeSync(${descriptor}, bytes, at); } catch (error) { if (error.code !== 'EAGAIN') throw error; } };
    for (let i = 0; i < ${megabytes}; i += 1) write(chunk);
  }`;
  /** The most that this process grew by while `act` ran. */
  async function growthOf(act: () => Promise<unknown>): Promise<number> {
    const before = process.memoryUsage().rss;
    let most = before;
    const timer = setInterval(() => {
      most = Math.max(most, process.memoryUsage().rss);
    }, 20);
    await act().finally(() => clearInterval(timer));
    return Math.max(most, process.memoryUsage().rss) - before;
  }

  it('ends an engine that writes a line of 600 MB, in little memory', async () => {
    const engine = await start(`if (command.type === 'render') ${floods(1, 'x')}`);
    await engine.ready();
    const growth = await growthOf(async () => {
      await expect(engine.render(command, listener)).rejects.toMatchObject({
        code: 'engine-protocol',
        message: expect.stringContaining('a line of more than 1048576 bytes. It begins: xxx'),
      });
      await engine.exited;
    });
    expect(growth).toBeLessThan(200e6);
  }, 60_000);

  it.each([
    ['600 MB', 'one line', 'y', 600],
    ['100 MB', 'many lines', `${'word '.repeat(20)}\\n`, 100],
  ])(
    'keeps only the end of %s that an engine prints in %s',
    async (_size, _lines, text, megabytes) => {
      const engine = await start(`if (command.type !== 'render') return;
      ${floods(2, text, megabytes)}
      const { writeSync } = await import('node:fs');
      writeSync(2, '\\nthe last words\\n');
      process.exit(3);`);
      await engine.ready();
      const growth = await growthOf(async () => {
        await expect(engine.render(command, listener)).rejects.toMatchObject({
          code: 'engine-crashed',
          message: expect.stringContaining('the last words'),
        });
      });
      expect(String(engine.output).length).toBeLessThanOrEqual(64 * 1024);
      expect(String(engine.output)).toMatch(/the last words$/);
      expect(growth).toBeLessThan(200e6);
    },
    60_000,
  );

  it('keeps the beginning of a long printed line, and an event that comes in parts', async () => {
    const engine = await start(`if (command.type !== 'render') return;
      process.stderr.write('short\\n' + 'z'.repeat(100000) + '\\nend\\n');
      const text = JSON.stringify({ type: 'warning', renderId: 'r1', code: 'été', message: 'é'.repeat(100000) }) + '\\n';
      const bytes = Buffer.from(text);
      for (let i = 0; i < bytes.length; i += 4999) { process.stdout.write(bytes.subarray(i, i + 4999)); await new Promise(setImmediate); }
      say({ type: 'finished', renderId: 'r1', renderSeconds: 1, peakBytes: 5 });`);
    heard.length = 0;
    await engine.render(command, listener);
    expect(heard).toEqual(['été']);
    await expect
      .poll(() =>
        String(engine.output)
          .split('\n')
          .map((line) => line.length),
      )
      .toEqual([5, 4096, 3]);
  });

  it('ends an engine that is alive but does not get ready, and its waiting render', async () => {
    const body = `setInterval(() => say({ type: 'alive', renderId: null }), 100);`;
    const engine = new EngineProcess(await scripted('', [hello]).then(withTail(body)), log, {
      patience: { loadingMs: 1200 },
    });
    engines.push(engine);
    await expect(engine.ready()).rejects.toMatchObject({
      code: 'engine-hung',
      beforeReady: true,
      message: expect.stringContaining('was not ready after 0.0 min'),
    });
  });

  it('ends an engine of another protocol version, naming both', async () => {
    const engine = await start('', [{ ...hello, protocolVersion: 7 }, ready]);
    await engine.exited;
    await expect(engine.ready()).rejects.toThrow(/protocol 7, and this worker 2/);
  });

  it('says so when there is no such program', async () => {
    const engine = new EngineProcess({ command: '/nowhere/python', args: [], environment: {} }, log);
    await expect(engine.ready()).rejects.toMatchObject({ code: 'engine-missing' });
  });
});

describe('ResidentEngine', () => {
  it('keeps one engine resident and replaces it when it has died', async () => {
    const line = await scripted(`
      if (command.type === 'render') say({ type: 'finished', renderId: 'r1', renderSeconds: 1, peakBytes: 5 });`);
    const resident = new ResidentEngine('draft', line, log);
    const pidOfRender = async () => {
      const engine = await resident.warm();
      await engine.render(command, listener);
      return engine.pid;
    };
    const first = await pidOfRender();
    expect(await pidOfRender()).toBe(first);
    const { exited } = await resident.warm();
    process.kill(first, 'SIGKILL');
    await exited;
    expect(await pidOfRender()).not.toBe(first);
    await resident.stop();
    await expect(resident.warm()).rejects.toThrow('stopped');
  });

  it('waits for as long as the longest load of the past suggests, and remembers how long this one took', async () => {
    const added: number[] = [];
    const loads = { longestMs: async () => 60_000, add: async (loadMs: number) => void added.push(loadMs) };
    const resident = new ResidentEngine('draft', await scripted(''), log, { loads });
    await resident.warm();
    expect(added).toEqual([expect.any(Number)]);
    await resident.stop();
  });

  it.each([
    ['no load is known', undefined, 30 * 60_000],
    ['loads were quick', 1000, 10 * 60_000],
    ['loads were slow', 20 * 60_000, 100 * 60_000],
  ])('bounds the next load when %s', async (_name, longestMs, expected) => {
    expect(loadingBoundMs(longestMs)).toBe(expected);
  });
});
