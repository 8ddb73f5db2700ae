import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type RenderCommand, SAMPLES_PER_FRAME } from '@farm/contracts';
import { encodePiece, type MediaTools, makeFifos } from '@farm/media';
import type { EngineProcess } from './engine/engine-process.js';
import { SelfTestFailedError } from './engine/errors.js';
import type { ResidentEngine } from './engine/resident-engine.js';
import { drawnFace, FACE_SIDE, hum } from './self-test-inputs.js';
import { unlessAborted } from './unless-aborted.js';

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
  const within = AbortSignal.any([signal, AbortSignal.timeout(TEST_MS)]);
  try {
    const command = await testCommand(folder, within);
    const process = await unlessAborted(engine.warm(), within);
    await renderAndEncode({ process, media, command, outputPath: join(folder, 'piece.mp4'), signal: within });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface TestRender {
  process: EngineProcess;
  media: MediaTools;
  command: RenderCommand;
  outputPath: string;
  signal: AbortSignal;
}

/** Either side may break: a render that fails ends the encoder, and an encoder that fails ends the render. */
async function renderAndEncode({ process, media, command, outputPath, signal }: TestRender): Promise<void> {
  const noFrames = new AbortController();
  let sha256: string | undefined;
  const rendering = process.render(command, {
    onProgress() {},
    onPieceFinished: (piece) => {
      sha256 = piece.sha256;
    },
    onWarning() {},
  });
  const { fifoPath } = command.pieces[0]!;
  const piece = { fifoPath, outputPath, width: FACE_SIDE, height: FACE_SIDE, frameCount: FRAMES };
  const encoding = encodePiece(media, { ...piece, signal: AbortSignal.any([signal, noFrames.signal]) });
  encoding.catch(() => {});
  try {
    await Promise.race([rendering, encoding.then(() => unlessAborted(rendering, signal))]);
    const tooLate = () => noFrames.abort(new SelfTestFailedError('its frames did not arrive'));
    const timer = setTimeout(tooLate, ENCODER_MS);
    const encoded = await encoding.finally(() => clearTimeout(timer));
    if (encoded.sha256 !== sha256) throw new SelfTestFailedError('other frames arrived than the engine wrote');
  } finally {
    noFrames.abort(new SelfTestFailedError('the render had ended'));
    await encoding.catch(() => {});
    await process.release(command.renderId, rendering);
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
    width: FACE_SIDE,
    height: FACE_SIDE,
    segmentFrameCount: FRAMES,
    pieces: [{ index: 0, firstFrame: 0, frameCount: FRAMES, fifoPath }],
    seed: 1,
    settings: { steps: 4, precision: 'auto', framesPerClip: 48 },
  };
}
