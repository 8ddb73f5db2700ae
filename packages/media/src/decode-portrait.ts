import { open, rename, rm } from 'node:fs/promises';
import type { CallOptions, MediaTools } from './media-tools.js';
import { STANDARD_INPUT, withInput } from './probe.js';
import {
  defaultImageLimits,
  IMAGE_FORMATS,
  type ImageFacts,
  type ImageLimits,
  type Orientation,
  probeImage,
} from './probe-image.js';
import { failedError, runProcess } from './run-process.js';
import { strictDecoding, truncatedImage, withFirstFrame } from './whole-picture.js';

const DECODE_TIMEOUT_MS = 60_000;

export interface DecodePortraitOptions extends CallOptions {
  inputPath: string;
  /** A PNG, 8 bits of red, green and blue, upright. */
  outputPath: string;
  limits?: ImageLimits;
}

export interface DecodedPortrait {
  /** Pixels of the PNG. */
  width: number;
  height: number;
  source: ImageFacts;
}

/** What turns a stored picture upright. */
const turnings: Readonly<Record<Orientation, string[]>> = {
  1: [],
  2: ['hflip'],
  3: ['hflip', 'vflip'],
  4: ['vflip'],
  5: ['transpose=cclock_flip'],
  6: ['transpose=clock'],
  7: ['transpose=clock_flip'],
  8: ['transpose=cclock'],
};

function decoderArguments(source: ImageFacts, limits: ImageLimits, outputPath: string, strictness: string[]): string[] {
  // Alpha is laid over white: what portraits are mostly shown on. Not by drawbox: that ends ffmpeg 5.1 with SIGSEGV.
  const overWhite =
    '[picture]split[front][size];[size]lutrgb=r=255:g=255:b=255:a=255[back];[back][front]overlay=format=rgb,format=rgb24[out]';
  const upright = [...turnings[source.orientation], 'scale=flags=bicubic+accurate_rnd+full_chroma_int', 'format=rgba'];
  return [
    ...['-nostdin', '-hide_banner', '-v', 'error', '-y', '-xerror', ...strictness, '-noautorotate'],
    ...['-protocol_whitelist', 'file', '-format_whitelist', IMAGE_FORMATS, '-max_pixels', String(limits.maximumPixels)],
    ...['-i', STANDARD_INPUT, '-filter_complex', `[0:v:0]${upright.join(',')}[picture];${overWhite}`, '-map', '[out]'],
    ...['-frames:v', '1', '-c:v', 'png', '-map_metadata', '-1', '-fflags', '+bitexact', '-flags:v', '+bitexact'],
    ...['-f', 'image2', '-update', '1', `file:${outputPath}`],
  ];
}

/**
 * Judges a picture and writes it as the PNG that engines read: its first frame, turned upright by EXIF, over white, 8
 * bits a channel, whatever it came as (CMYK, 16 bits, grey, palette).
 *
 * @throws MediaError as `probeImage`, and `portrait-incomplete` for what cannot be decoded to its end
 */
export async function decodePortrait(tools: MediaTools, options: DecodePortraitOptions): Promise<DecodedPortrait> {
  const { inputPath, outputPath, limits = defaultImageLimits, signal, timeoutMs = DECODE_TIMEOUT_MS } = options;
  const source = await probeImage(tools, inputPath, { limits, signal });
  const temporaryPath = `${outputPath}.part`;
  try {
    const finished = await withInput(inputPath, 'portrait', limits.maximumBytes, (file) =>
      withFirstFrame(file, inputPath, async (picture) =>
        runProcess({
          command: tools.ffmpegPath,
          args: decoderArguments(source, limits, temporaryPath, await strictDecoding(picture)),
          stdin: picture.fd,
          signal,
          timeoutMs,
        }),
      ),
    );
    if (finished.exitSignal !== null) throw failedError(tools.ffmpegPath, finished);
    if (finished.exitCode !== 0) throw truncatedImage(finished.stderr);
    const { width, height } = await pngSize(temporaryPath);
    await rename(temporaryPath, outputPath);
    return { width, height, source };
  } finally {
    await rm(temporaryPath, { force: true });
  }
}

async function pngSize(path: string): Promise<{ width: number; height: number }> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(24), 0, 24, 0);
    if (bytesRead < 24) throw truncatedImage('no picture came out');
    return { width: buffer.readUInt32BE(16), height: buffer.readUInt32BE(20) };
  } finally {
    await file.close();
  }
}
