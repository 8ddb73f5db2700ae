import { open, rename, rm, writeFile } from 'node:fs/promises';
import { MediaError } from './media-error.js';
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
import { webpFirstFrame } from './webp-first-frame.js';

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

// What is cut off is an error. Not in TIFF, where any tag that ffmpeg does not know would be one, nor in JPEG, where an
// odd EXIF block would: see `assertJpegEnds`.
const lenientCodecs = ['tiff', 'mjpeg'];

function decoderArguments(source: ImageFacts, limits: ImageLimits, outputPath: string): string[] {
  const strictness = lenientCodecs.includes(source.codec) ? [] : ['-err_detect', 'explode'];
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
 * @throws MediaError as `probeImage`, and `image-truncated` for what cannot be decoded to its end
 */
export async function decodePortrait(tools: MediaTools, options: DecodePortraitOptions): Promise<DecodedPortrait> {
  const { inputPath, outputPath, limits = defaultImageLimits, signal, timeoutMs = DECODE_TIMEOUT_MS } = options;
  const source = await probeImage(tools, inputPath, { limits, signal });
  const temporaryPath = `${outputPath}.part`;
  const stillPath = `${outputPath}.first-frame`;
  try {
    if (source.codec === 'mjpeg') await assertJpegEnds(inputPath, limits);
    const isAnimatedWebp = source.codec === 'webp' && source.animated;
    if (isAnimatedWebp) await writeFirstFrame(inputPath, stillPath, limits);
    const finished = await withInput(isAnimatedWebp ? stillPath : inputPath, 'portrait', limits.maximumBytes, (file) =>
      runProcess({
        command: tools.ffmpegPath,
        args: decoderArguments(source, limits, temporaryPath),
        stdin: file.fd,
        signal,
        timeoutMs,
      }),
    );
    if (finished.exitSignal !== null) throw failedError(tools.ffmpegPath, finished);
    if (finished.exitCode !== 0) throw truncatedImage(finished.stderr);
    const { width, height } = await pngSize(temporaryPath);
    await rename(temporaryPath, outputPath);
    return { width, height, source };
  } finally {
    await rm(temporaryPath, { force: true });
    await rm(stillPath, { force: true });
  }
}

const START_OF_SCAN = Buffer.from([0xff, 0xda]);
const END_OF_IMAGE = Buffer.from([0xff, 0xd9]);

// The decoder paints what is missing grey. Neither marker occurs within the data of a scan (ITU-T T.81, B.1.1.5).
async function assertJpegEnds(inputPath: string, limits: ImageLimits): Promise<void> {
  const bytes = await withInput(inputPath, 'portrait', limits.maximumBytes, (file) => file.readFile());
  if (bytes.lastIndexOf(END_OF_IMAGE) < bytes.lastIndexOf(START_OF_SCAN)) throw truncatedImage('no end of image');
}

async function writeFirstFrame(inputPath: string, stillPath: string, limits: ImageLimits): Promise<void> {
  const bytes = await withInput(inputPath, 'portrait', limits.maximumBytes, (file) => file.readFile());
  const still = webpFirstFrame(bytes);
  if (still === undefined) throw truncatedImage('no whole frame');
  await writeFile(stillPath, still);
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

function truncatedImage(stderr: string): MediaError {
  const message =
    'The portrait is cut off or damaged and cannot be decoded to its end. Send the whole file, or save it anew.';
  return new MediaError('image-truncated', message, { data: { stderr } });
}
