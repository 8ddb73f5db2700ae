import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type RenderCommand, SAMPLES_PER_FRAME, SPEECH_SAMPLE_RATE } from '@farm/contracts';
import { encodePiece, type MediaTools, makeFifos } from '@farm/media';
import { deferred } from './deferred.js';
import { SelfTestFailedError } from './engine/errors.js';
import type { ResidentEngine } from './engine/resident-engine.js';

const SIDE = 256;
const FRAMES = 12;
/** From a cold start of the encoder to its end; the engine's own watch bounds the render. */
const TEST_MS = 20 * 60_000;
/** Once the engine has finished, the last frames are on their way through a pipe. */
const ENCODER_MS = 30_000;

interface SelfTest {
  engine: ResidentEngine;
  media: MediaTools;
  scratchDirectory: string;
  signal: AbortSignal;
}

/**
 * Renders and encodes half a second of a drawn face: what a worker needs for a render, except the storage.
 *
 * @throws whatever a render of a job would fail with
 */
export async function selfTest({ engine, media, scratchDirectory, signal }: SelfTest): Promise<void> {
  const folder = await mkdtemp(join(scratchDirectory, 'self-test-'));
  const over = new AbortController();
  const within = AbortSignal.any([signal, over.signal, AbortSignal.timeout(TEST_MS)]);
  try {
    const command = await testCommand(folder, within);
    const process = await engine.warm();
    const finished = deferred<string>();
    const rendering = process.render(command, {
      onProgress() {},
      onPieceFinished: ({ sha256 }) => finished.resolve(sha256),
      onWarning() {},
    });
    const stop = () => process.interrupt(command.renderId, 'now');
    within.addEventListener('abort', stop, { once: true });
    let encoderTimer: NodeJS.Timeout | undefined;
    const ended = rendering.then(
      () => {
        encoderTimer = setTimeout(() => over.abort(new SelfTestFailedError('its frames did not arrive')), ENCODER_MS);
        finished.reject(new SelfTestFailedError('the engine reported no piece'));
      },
      (error: unknown) => {
        over.abort(error);
        throw error;
      },
    );
    ended.catch(() => {});
    try {
      const { fifoPath } = command.pieces[0]!;
      const outputPath = join(folder, 'piece.mp4');
      const piece = { fifoPath, outputPath, width: SIDE, height: SIDE, frameCount: FRAMES, signal: within };
      const encoded = await encodePiece(media, piece);
      await ended;
      if ((await finished.promise) !== encoded.sha256) throw new SelfTestFailedError('other frames arrived');
    } finally {
      clearTimeout(encoderTimer);
      within.removeEventListener('abort', stop);
      await process.release(command.renderId, rendering);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function testCommand(folder: string, signal: AbortSignal): Promise<RenderCommand> {
  const portraitPath = join(folder, 'portrait.bmp');
  const speechPath = join(folder, 'speech.wav');
  const fifoPath = join(folder, 'frames');
  await writeFile(portraitPath, drawnFace());
  await writeFile(speechPath, hum(FRAMES * SAMPLES_PER_FRAME));
  await makeFifos([fifoPath], { signal });
  return {
    type: 'render',
    renderId: `self-test-${randomUUID()}`,
    portraitPath,
    speech: { path: speechPath, marginBefore: 0, sampleCount: FRAMES * SAMPLES_PER_FRAME },
    prompt: 'A person speaks to the camera.',
    width: SIDE,
    height: SIDE,
    segmentFrameCount: FRAMES,
    pieces: [{ index: 0, firstFrame: 0, frameCount: FRAMES, fifoPath }],
    seed: 1,
    settings: { steps: 4, precision: 'auto', framesPerClip: 48 },
  };
}

const HEADER_BYTES = 54;

/** A BMP, which every decoder reads: skin, two eyes and a mouth on grey. */
function drawnFace(): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + SIDE * SIDE * 3);
  bytes.write('BM');
  bytes.writeUInt32LE(bytes.length, 2);
  bytes.writeUInt32LE(HEADER_BYTES, 10);
  bytes.writeUInt32LE(40, 14);
  bytes.writeInt32LE(SIDE, 18);
  // Rows from top to bottom.
  bytes.writeInt32LE(-SIDE, 22);
  bytes.writeUInt16LE(1, 26);
  bytes.writeUInt16LE(24, 28);
  for (let y = 0; y < SIDE; y += 1) for (let x = 0; x < SIDE; x += 1) bytes.set(colourAt(x, y), offsetOf(x, y));
  return bytes;
}

const offsetOf = (x: number, y: number) => HEADER_BYTES + (y * SIDE + x) * 3;

/** Blue, green, red. */
function colourAt(x: number, y: number): [number, number, number] {
  const inside = (cx: number, cy: number, rx: number, ry: number) => ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1;
  if (inside(98, 110, 10, 6) || inside(158, 110, 10, 6)) return [30, 30, 40];
  if (inside(128, 180, 24, 7)) return [70, 70, 170];
  return inside(128, 132, 70, 92) ? [150, 180, 220] : [120, 120, 120];
}

/** A mono 16-bit WAV file of a quiet hum. */
function hum(sampleCount: number): Buffer {
  const bytes = Buffer.alloc(44 + 2 * sampleCount);
  bytes.write('RIFF');
  bytes.writeUInt32LE(bytes.length - 8, 4);
  bytes.write('WAVEfmt ', 8);
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(SPEECH_SAMPLE_RATE, 24);
  bytes.writeUInt32LE(2 * SPEECH_SAMPLE_RATE, 28);
  bytes.writeUInt16LE(2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write('data', 36);
  bytes.writeUInt32LE(2 * sampleCount, 40);
  for (let i = 0; i < sampleCount; i += 1)
    bytes.writeInt16LE(Math.round(8000 * Math.sin((2 * Math.PI * 180 * i) / SPEECH_SAMPLE_RATE)), 44 + 2 * i);
  return bytes;
}
