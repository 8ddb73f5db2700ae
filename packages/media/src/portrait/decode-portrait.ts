import { open, rename, rm } from 'node:fs/promises';
import { FfmpegFailedError } from '../programs/errors.js';
import { STANDARD_INPUT, withInput } from '../programs/input-file.js';
import type { CallOptions, MediaTools } from '../programs/media-tools.js';
import { runProcess } from '../programs/run-process.js';
import { PortraitIncompleteError } from './errors.js';
import { strictDecoding, withFirstFrame } from './first-frame.js';
import { defaultPortraitLimits, type PortraitLimits } from './portrait-limits.js';
import { type Orientation, PORTRAIT_FORMATS, type PortraitFacts, probePortrait } from './probe-portrait.js';

const DECODE_TIMEOUT_MS = 60_000;

export interface DecodePortraitOptions extends CallOptions {
  inputPath: string;
  /** A PNG, 8 bits of red, green and blue, upright. */
  outputPath: string;
  limits?: PortraitLimits;
}

export interface DecodedPortrait {
  /** Pixels of the PNG. */
  width: number;
  height: number;
  source: PortraitFacts;
}

/** Filters that turn a stored picture upright. */
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

interface DecoderOptions {
  source: PortraitFacts;
  limits: PortraitLimits;
  outputPath: string;
  strictness: readonly string[];
}

function decoderArguments({ source, limits, outputPath, strictness }: DecoderOptions): string[] {
  // Alpha is laid over white: what portraits are mostly shown on. Not by drawbox: that ends ffmpeg 5.1 with SIGSEGV.
  const overWhite =
    '[picture]split[front][size];[size]lutrgb=r=255:g=255:b=255:a=255[back];[back][front]overlay=format=rgb,format=rgb24[out]';
  const upright = [...turnings[source.orientation], 'scale=flags=bicubic+accurate_rnd+full_chroma_int', 'format=rgba'];
  const maximumPixels = String(limits.maximumPixels);
  return [
    ...['-nostdin', '-hide_banner', '-v', 'error', '-y', '-xerror', ...strictness, '-noautorotate'],
    ...['-protocol_whitelist', 'file', '-format_whitelist', PORTRAIT_FORMATS, '-max_pixels', maximumPixels],
    ...['-i', STANDARD_INPUT, '-filter_complex', `[0:v:0]${upright.join(',')}[picture];${overWhite}`, '-map', '[out]'],
    ...['-frames:v', '1', '-c:v', 'png', '-map_metadata', '-1', '-fflags', '+bitexact', '-flags:v', '+bitexact'],
    ...['-f', 'image2', '-update', '1', `file:${outputPath}`],
  ];
}

/**
 * Judges a portrait and writes it as the PNG that engines read: its first frame, turned upright by EXIF, over white, 8
 * bits per channel, whatever it was (CMYK, 16 bits, grey, palette).
 *
 * @throws MediaError as `probePortrait`; PortraitIncompleteError for what cannot be decoded to its end
 */
export async function decodePortrait(tools: MediaTools, options: DecodePortraitOptions): Promise<DecodedPortrait> {
  const { inputPath, outputPath, limits = defaultPortraitLimits, signal, timeoutMs = DECODE_TIMEOUT_MS } = options;
  const source = await probePortrait(tools, inputPath, { limits, signal });
  const temporaryPath = `${outputPath}.part`;
  const command = tools.ffmpegPath;
  try {
    const input = { path: inputPath, what: 'portrait', maximumBytes: limits.maximumBytes };
    const finished = await withInput(input, (file) =>
      withFirstFrame(file, inputPath, async (picture) => {
        const strictness = await strictDecoding(picture);
        const args = decoderArguments({ source, limits, outputPath: temporaryPath, strictness });
        return await runProcess({ command, args, stdin: picture.fd, signal, timeoutMs });
      }),
    );
    if (finished.exitSignal !== null) throw new FfmpegFailedError({ command, ...finished });
    if (finished.exitCode !== 0) throw new PortraitIncompleteError(finished.stderr);
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
    if (bytesRead < 24) throw new PortraitIncompleteError('there is no picture in the output');
    return { width: buffer.readUInt32BE(16), height: buffer.readUInt32BE(20) };
  } finally {
    await file.close();
  }
}
