import { createHash } from 'node:crypto';
import { open, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { feedFifo, ffmpeg, patternFrames, temporaryFolder, tools } from '../fixtures/make-media.js';
import { assembleVideo } from './assemble-video.js';
import { encodePiece } from './encode-piece.js';
import { makeFifos } from './make-fifo.js';
import { probeVideo } from './probe-video.js';
import { contactSheet, posterFrame } from './video-pictures.js';

const WIDTH = 192;
const HEIGHT = 128;
const SIZE = { width: WIDTH, height: HEIGHT };
const FRAME_BYTES = WIDTH * HEIGHT * 3;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.remove());

async function encode(name: string, bytes: Buffer, frameCount: number, signal?: AbortSignal) {
  const fifoPath = folder.path(`${name}.fifo`);
  await makeFifos([fifoPath]);
  const outputPath = folder.path(name);
  const options = { fifoPath, outputPath, ...SIZE, frameCount, signal };
  const [piece] = await Promise.all([encodePiece(tools, options), feedFifo(fifoPath, bytes)]);
  return piece;
}

/** One hash per decoded picture. */
async function pictureHashes(path: string): Promise<string[]> {
  const listing = await ffmpeg('-i', path, '-map', '0:v', '-f', 'framemd5', 'pipe:1');
  const lines = listing.toString().trim().split('\n');
  return lines.filter((line) => !line.startsWith('#')).map((line) => line.split(',').at(-1)!.trim());
}

describe('encodePiece', () => {
  test('writes the piece that was asked for, and hashes the frames that came', async () => {
    const frames = await patternFrames(SIZE, 0, 48);
    const piece = await encode('a.mp4', frames, 48);
    const sha256 = createHash('sha256').update(frames).digest('hex');
    expect(piece).toEqual({ sha256, frameCount: 48, bytes: (await stat(folder.path('a.mp4'))).size });
    expect(await probeVideo(tools, folder.path('a.mp4'))).toMatchObject({
      width: WIDTH,
      height: HEIGHT,
      frameCount: 48,
      seconds: 1.92,
      framesPerSecond: 25,
      videoCodec: 'h264',
      pixelFormat: 'yuv420p',
      audioCodec: undefined,
    });
    const decoded = await ffmpeg('-i', folder.path('a.mp4'), '-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1');
    const error = decoded.reduce((sum, value, index) => sum + Math.abs(value - frames[index]!), 0) / frames.length;
    // The test pattern's coloured edges suffer from 4:2:0; wrong colours or a wrong range would be 10 and more.
    expect(error).toBeLessThan(4);
  });

  test('the same frames give the same file', async () => {
    const frames = await patternFrames(SIZE, 10, 24);
    await encode('a.mp4', frames, 24);
    await encode('b.mp4', frames, 24);
    expect((await readFile(folder.path('a.mp4'))).equals(await readFile(folder.path('b.mp4')))).toBe(true);
  });

  test('one frame is a piece', async () => {
    const piece = await encode('a.mp4', await patternFrames(SIZE, 0, 1), 1);
    expect(piece.frameCount).toBe(1);
    expect(await probeVideo(tools, folder.path('a.mp4'))).toMatchObject({ frameCount: 1, seconds: 0.04 });
  });

  test.each([
    ['no byte', 0, 'piece-incomplete', 0],
    ['part of a frame', 100, 'piece-incomplete', 0],
    ['too few frames', 5 * FRAME_BYTES, 'piece-incomplete', 5],
    ['part of the last frame', 11 * FRAME_BYTES + 100, 'piece-incomplete', 11],
    ['part of one more frame', 12 * FRAME_BYTES + 100, 'piece-overlong', 12],
    ['one frame too many', 13 * FRAME_BYTES, 'piece-overlong', 13],
  ])('%s does not make a piece and leaves none', async (_, bytes, code, seen) => {
    const frames = await patternFrames(SIZE, 0, 13);
    const attempt = encode('a.mp4', frames.subarray(0, bytes), 12);
    await expect(attempt).rejects.toMatchObject({ code, data: { frameCount: 12, seen } });
    expect(await readdir(folder.folder)).toEqual(['a.mp4.fifo']);
  });

  test('an abort stops an encoder that waits for its writer, and one that is encoding', async () => {
    const fifoPath = folder.path('fifo');
    await makeFifos([fifoPath]);
    const options = { fifoPath, outputPath: folder.path('a.mp4'), ...SIZE, frameCount: 48 };
    const waiting = encodePiece(tools, { ...options, signal: AbortSignal.timeout(200) });
    await expect(waiting).rejects.toMatchObject({ name: 'TimeoutError' });

    const abort = new AbortController();
    const running = encodePiece(tools, { ...options, signal: abort.signal });
    const half = await patternFrames(SIZE, 0, 24);
    const writer = await open(fifoPath, 'w');
    await writer.writeFile(half.subarray(0, FRAME_BYTES));
    abort.abort(new Error('canceled'));
    await expect(running).rejects.toThrow('canceled');
    await expect(writer.writeFile(half)).rejects.toMatchObject({ code: 'EPIPE' });
    await writer.close();
    expect(await readdir(folder.folder)).toEqual(['fifo']);
  });

  test('an encoder that dies, a missing one and one that takes too long are each named', async () => {
    const fifoPath = folder.path('fifo');
    await makeFifos([fifoPath]);
    const options = { fifoPath, outputPath: folder.path('a.mp4'), ...SIZE, frameCount: 48 };
    const dying = { ...tools, ffmpegPath: folder.path('dying') };
    await writeFile(dying.ffmpegPath, '#!/bin/sh\necho out of luck >&2\nkill -9 $$\n', { mode: 0o755 });
    await expect(encodePiece(dying, options)).rejects.toMatchObject({
      code: 'ffmpeg-failed',
      message: expect.stringMatching(/signal SIGKILL.*out of luck/),
    });
    const absent = { ...tools, ffmpegPath: folder.path('absent') };
    await expect(encodePiece(absent, options)).rejects.toMatchObject({
      code: 'ffmpeg-missing',
      message: expect.stringMatching(/Install ffmpeg/),
    });
    await expect(encodePiece(tools, { ...options, timeoutMs: 200 })).rejects.toMatchObject({ code: 'ffmpeg-timeout' });
  });
});

describe('assembleVideo', () => {
  const counts = [48, 48, 13];
  const total = counts.reduce((sum, count) => sum + count, 0);

  async function pieces(): Promise<string[]> {
    let first = 0;
    const paths: string[] = [];
    for (const [index, count] of counts.entries()) {
      await encode(`piece ${index}'s.mp4`, await patternFrames(SIZE, first, count), count);
      paths.push(folder.path(`piece ${index}'s.mp4`));
      first += count;
    }
    return paths;
  }

  const speech = async (name: string, seconds: number, ...args: string[]) => {
    await ffmpeg('-f', 'lavfi', '-i', `sine=f=440:d=${seconds}:r=44100`, ...args, folder.path(name));
    return folder.path(name);
  };

  test('joins pieces by stream copy: every picture is the one of its piece', async () => {
    const piecePaths = await pieces();
    const outputPath = folder.path('video.mp4');
    const speechPath = await speech('speech.wav', total / 25);
    const facts = await assembleVideo(tools, { piecePaths, speechPath, outputPath, frameCount: total });
    expect(facts).toMatchObject({ frameCount: total, seconds: total / 25, videoCodec: 'h264', audioCodec: 'aac' });
    const single = (await Promise.all(piecePaths.map(pictureHashes))).flat();
    expect(single.length).toBe(total);
    expect(await pictureHashes(outputPath)).toEqual(single);

    const probe = await ffmpegTimestamps(outputPath);
    expect(probe).toEqual(Array.from({ length: total }, (_, frame) => frame * 512));
    const bytes = await readFile(outputPath);
    expect(bytes.indexOf('moov')).toBeLessThan(bytes.indexOf('mdat'));
    const again = folder.path('again.mp4');
    await assembleVideo(tools, { piecePaths, speechPath, outputPath: again, frameCount: total });
    expect((await readFile(again)).equals(bytes)).toBe(true);
  });

  /** Presentation times of all pictures, in ticks. */
  async function ffmpegTimestamps(path: string): Promise<number[]> {
    const listing = await ffmpeg('-i', path, '-map', '0:v', '-c', 'copy', '-copyts', '-f', 'framehash', 'pipe:1');
    const lines = listing.toString().trim().split('\n');
    return lines.filter((line) => !line.startsWith('#')).map((line) => Number(line.split(',')[2]));
  }

  test.each([
    ['shorter', 3, ['-ac', '1']],
    ['longer', 9, ['-ac', '6']],
    ['mp3', 4.36, ['-ac', '2', '-f', 'mp3']],
  ])('a %s speech is fitted to the frames', async (name, seconds, args) => {
    const piecePaths = await pieces();
    const speechPath = await speech(`${name}.wav`, seconds, ...args);
    const outputPath = folder.path('video.mp4');
    const facts = await assembleVideo(tools, { piecePaths, speechPath, outputPath, frameCount: total });
    expect(Math.abs(facts.audioSeconds! - total / 25)).toBeLessThanOrEqual(0.04);
  });

  test('a missing piece and a wrong count are noticed, and leave no video', async () => {
    const piecePaths = await pieces();
    const speechPath = await speech('speech.wav', 4);
    const outputPath = folder.path('video.mp4');
    const assemble = (paths: string[], frameCount: number) =>
      assembleVideo(tools, { piecePaths: paths, speechPath, outputPath, frameCount });
    await expect(assemble(piecePaths.slice(1), total)).rejects.toMatchObject({
      code: 'video-mismatch',
      message: expect.stringContaining('61 frames instead of 109'),
    });
    await expect(assemble([...piecePaths, folder.path('absent.mp4')], total)).rejects.toMatchObject({
      code: 'video-mismatch',
      message: expect.stringContaining('absent.mp4 is not there'),
    });
    const left = await readdir(folder.folder);
    expect(left.filter((name) => name.startsWith('video'))).toEqual([]);
  });

  test('poster and contact sheet show the frames they name', async () => {
    const [piece] = await pieces();
    const poster = folder.path('poster.jpg');
    await posterFrame(tools, { videoPath: piece!, outputPath: poster, frame: 20 });
    const pixels = await ffmpeg('-i', poster, '-f', 'rawvideo', '-pix_fmt', 'gray', 'pipe:1');
    const reference = await ffmpeg(
      ...['-i', piece!, '-vf', "select='eq(n,20)'", '-frames:v', '1', '-f', 'rawvideo', '-pix_fmt', 'gray', 'pipe:1'],
    );
    expect(pixels.length).toBe(WIDTH * HEIGHT);
    const error = pixels.reduce((sum, value, index) => sum + Math.abs(value - reference[index]!), 0) / pixels.length;
    expect(error).toBeLessThan(8);

    const sheet = folder.path('sheet.jpg');
    await contactSheet(tools, { videoPath: piece!, outputPath: sheet, count: 6, columns: 3, tileWidth: 96 });
    const tiles = await ffmpeg('-i', sheet, '-f', 'rawvideo', '-pix_fmt', 'gray', 'pipe:1');
    expect(tiles.length).toBe(96 * 3 * 64 * 2);
  });
});

test('no process outlives its call', async () => {
  const fifoPath = folder.path('fifo');
  await makeFifos([fifoPath]);
  const options = { fifoPath, outputPath: folder.path('a.mp4'), ...SIZE, frameCount: 48 };
  await encodePiece(tools, { ...options, timeoutMs: 100 }).catch(() => undefined);
  await sleep(50);
  const listed = await readdir('/proc').catch(() => []);
  for (const id of listed.filter((name) => /^\d+$/.test(name))) {
    const command = await readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '');
    expect(command).not.toContain(fifoPath);
  }
});
