import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { sampleSpeech } from '@farm/local-farm';
import { obtainFfmpeg, obtainPython, toolchainContext } from '@farm/toolchain';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { enginePidOf, frameHashes, openTestFarm, type TestFarm } from './support/test-farm.js';

const run = promisify(execFile);
const packageDirectory = join(import.meta.dirname, '../packages/engine');

let test: TestFarm;
let speech: string;

beforeAll(async () => {
  // The environment that the engine's own tests run in, so that PyTorch is installed once.
  const python = await obtainPython(toolchainContext(), { packageDirectory, extras: ['liveavatar', 'test'] });
  const toolchain = toolchainContext({ environment: { ...process.env, FARM_PYTHON: python } });
  test = await openTestFarm({ engine: 'liveavatar', engineArguments: ['--tiny'], toolchain });
  speech = join(test.folder, 'short.wav');
  const { ffmpeg } = await obtainFfmpeg(toolchainContext());
  await run(ffmpeg, ['-v', 'error', '-t', '5', '-i', sampleSpeech, speech]);
}, 900_000);
afterAll(() => test?.close());

const spec = { engine: 'liveavatar', size: '64*64' } as const;

/** SSIM of two videos, 0 to 1, over all frames. */
async function similarity(one: string, other: string): Promise<number> {
  const { ffmpeg } = await obtainFfmpeg(toolchainContext());
  const { stderr } = await run(ffmpeg, ['-i', one, '-i', other, '-lavfi', '[0:v][1:v]ssim', '-f', 'null', '-']);
  return Number(/SSIM .*All:([\d.]+)/.exec(stderr)?.[1]);
}

describe('the real engine in its tiny form, through the API', () => {
  it('renders a video of the right length, marks it as random weights, and stays loaded for the next job', async () => {
    const job = await test.submit(speech, spec);
    const ended = await test.until(job.id, (state) => state.status === 'succeeded', 240);
    expect(ended.progress.frameCount).toBe(125);
    expect(ended.warnings.map((warning) => warning.code)).toContain('random-weights');
    const manifest = await test.manifest(job.id);
    expect(manifest.engine.name).toBe('liveavatar');
    expect(manifest.video.frameCount).toBe(125);
    const engine = await enginePidOf(test.farm.processes().worker!);
    const again = await test.submit(speech, spec);
    await test.until(again.id, (state) => state.status === 'succeeded', 240);
    expect(await enginePidOf(test.farm.processes().worker!)).toBe(engine);
    expect(frameHashes(await test.manifest(again.id))).toEqual(frameHashes(manifest));
  }, 500_000);

  it('continues after the last committed clip, from its border state, when the worker was killed', async () => {
    const undisturbed = await test.submit(speech, { ...spec, seed: 11 });
    await test.until(undisturbed.id, (state) => state.status === 'succeeded', 240);
    const job = await test.submit(speech, { ...spec, seed: 11 });
    await test.until(job.id, (state) => state.progress.clipsDone >= 1, 240);
    process.kill(test.farm.processes().worker!, 'SIGKILL');
    const ended = await test.until(job.id, (state) => state.status === 'succeeded', 240);
    const attempts = ended.tasks.filter((task) => task.kind === 'render').flatMap((task) => task.attempts);
    expect(attempts.map((attempt) => attempt.status)).toEqual(['lost', 'succeeded']);
    const manifest = await test.manifest(job.id);
    const pieces = manifest.segments.flatMap((segment) => segment.pieces);
    const byFirst = pieces.filter((piece) => piece.attemptId === attempts[0]!.id);
    const bySecond = pieces.filter((piece) => piece.attemptId === attempts[1]!.id);
    expect(byFirst.length).toBeGreaterThan(0);
    expect(frameHashes(manifest).slice(0, byFirst.length)).toEqual(
      frameHashes(await test.manifest(undisturbed.id)).slice(0, byFirst.length),
    );
    const rendered = manifest.attempts.find((attempt) => attempt.id === attempts[1]!.id)!.metrics.frames;
    expect(rendered).toBe(bySecond.reduce((sum, piece) => sum + piece.frameCount, 0));
    // The rings are rebuilt from the state, not rendered again: nearly the same frames, although not bit for bit.
    const paths = await Promise.all(
      [undisturbed.id, job.id].map(async (id) => {
        const path = join(test.folder, `${id}.mp4`);
        await test.client.downloadVideo(id, path);
        return path;
      }),
    );
    expect(await similarity(paths[0]!, paths[1]!)).toBeGreaterThan(0.9);
  }, 600_000);
});
