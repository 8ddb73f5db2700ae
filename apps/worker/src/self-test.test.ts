import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { obtainFfmpeg, toolchainContext } from '@farm/toolchain';
import pino from 'pino';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { ResidentEngine } from './engine/resident-engine.js';
import { selfTest } from './self-test.js';

let folder: string;
let engine: ResidentEngine | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'farm-self-test-'));
});
afterEach(() => engine?.stop());
afterAll(() => rm(folder, { recursive: true, force: true }));

/** An engine that renders grey frames, after `before`, and says that their hash is `hash`. */
async function runSelfTest({ before = '', hash = 'sha256', ffmpegPath = '', signal = new AbortController().signal }) {
  const path = join(folder, `engine-${Math.random()}.mjs`);
  await writeFile(
    path,
    `import { createHash } from 'node:crypto';
     import { readFileSync, writeFileSync } from 'node:fs';
     import { createInterface } from 'node:readline';
     const say = (event) => process.stdout.write(JSON.stringify(event) + '\\n');
     say({ type: 'hello', protocolVersion: 2, engine: 'draft', engineVersion: '1', pid: 1 });
     say({ type: 'ready', description: {} });
     createInterface({ input: process.stdin }).on('close', () => process.exit(0)).on('line', (line) => {
       const { type, renderId, pieces, width, height, portraitPath, speech } = JSON.parse(line);
       if (type !== 'render') return;
       ${before}
       if (readFileSync(portraitPath).toString('latin1', 0, 2) !== 'BM') process.exit(5);
       if (readFileSync(speech.path).length !== 44 + 2 * speech.sampleCount) process.exit(6);
       const { index, firstFrame, frameCount, fifoPath } = pieces[0];
       const frames = Buffer.alloc(frameCount * width * height * 3, 90);
       const sha256 = createHash('sha256').update(frames).digest('hex');
       writeFileSync(fifoPath, frames);
       say({ type: 'piece-finished', renderId, index, firstFrame, frameCount, sha256: ${hash}, renderSeconds: 1 });
       say({ type: 'finished', renderId, renderSeconds: 1, peakBytes: 1 });
     });`,
  );
  const line = { command: process.execPath, args: [path], environment: process.env };
  engine = new ResidentEngine('draft', line, pino({ level: 'silent' }));
  const { ffmpeg, ffprobe } = await obtainFfmpeg(toolchainContext());
  const media = { ffmpegPath: ffmpegPath || ffmpeg, ffprobePath: ffprobe };
  const scratchDirectory = await mkdtemp(join(folder, 'scratch-'));
  const testing = selfTest({ engine, media, scratchDirectory, signal });
  await testing.catch(() => {});
  expect(await readdir(scratchDirectory)).toEqual([]);
  return testing;
}

it('passes with an engine that renders', async () => {
  await runSelfTest({});
});

it.each([
  [
    'fails',
    `return say({ type: 'failed', renderId, code: 'oom', message: '', retriable: 'another-worker', details: {} });`,
    'oom',
  ],
  ['crashes', 'process.exit(3);', 'engine-crashed'],
])('fails with an engine that %s', async (_name, before, code) => {
  await expect(runSelfTest({ before })).rejects.toMatchObject({ code });
});

it('fails when other frames arrive than the engine says', async () => {
  await expect(runSelfTest({ hash: `'${'0'.repeat(64)}'` })).rejects.toMatchObject({ code: 'self-test-failed' });
});

it('fails without an encoder', async () => {
  await expect(runSelfTest({ ffmpegPath: '/nowhere/ffmpeg' })).rejects.toMatchObject({ code: 'ffmpeg-missing' });
});

it('ends when the worker leaves', async () => {
  const leaving = new AbortController();
  setTimeout(() => leaving.abort(new Error('leaving')), 500);
  const before = `return setTimeout(() => say({ type: 'interrupted', renderId }), 1000);`;
  await expect(runSelfTest({ before, signal: leaving.signal })).rejects.toThrow('leaving');
});
