import { imageSize } from 'image-size';
import { MediaError } from './media-error.js';
import type { CallOptions, MediaTools } from './media-tools.js';
import { askFfprobe, type ProbeAnswer, readAt, withInput } from './probe.js';
import { isAnimatedWebp } from './webp-first-frame.js';
import { assertJpegEnds, strictDecoding, withFirstFrame } from './whole-picture.js';

/** The containers that are opened at all: none that can point to other files. */
export const IMAGE_FORMATS = 'png_pipe,jpeg_pipe,webp_pipe,bmp_pipe,tiff_pipe,gif,apng,jpegxl_pipe,mjpeg';
const HEAD_BYTES = 1024 * 1024;

export interface ImageLimits {
  maximumBytes: number;
  maximumPixels: number;
}

export const defaultImageLimits: ImageLimits = { maximumBytes: 100e6, maximumPixels: 64e6 };

/** EXIF orientation (Exif 2.3, tag 0x0112): 1 is upright, 3, 6 and 8 are turned, the others mirrored too. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

export interface ImageFacts {
  codec: string;
  /** Pixels as stored; 5 to 8 of `orientation` swap them on the screen. */
  width: number;
  height: number;
  /** In ffmpeg's words. */
  pixelFormat: string;
  orientation: Orientation;
  /** More than one frame; the first is used. */
  animated: boolean;
}

/**
 * Judges a picture by its content; names and MIME types have no say. Sizes are read from the header before any decoder
 * sees the file, and decoders get the same limit. The first frame is decoded to its end: what is cut off is refused.
 *
 * @throws MediaError `media-empty`, `media-too-large`, `portrait-unreadable`, `portrait-incomplete`
 */
export async function probeImage(
  tools: MediaTools,
  path: string,
  options: CallOptions & { limits?: ImageLimits } = {},
): Promise<ImageFacts> {
  const { limits = defaultImageLimits, ...call } = options;
  return await withInput(path, 'portrait', limits.maximumBytes, async (file) => {
    const head = await readAt(file, 0, HEAD_BYTES);
    const header = headerOf(head);
    if (header !== undefined) assertPixels(header.width, header.height, limits);
    const answer = await withFirstFrame(file, path, async (picture) =>
      askFfprobe(tools, picture, [...probeArguments(limits), ...(await strictDecoding(picture))], call),
    );
    const facts = factsOf(answer, header, head, limits);
    if (facts.codec === 'mjpeg') await assertJpegEnds(file);
    return { ...facts, animated: facts.animated || isAnimatedWebp(head) };
  });
}

// Two frames tell a picture from an animation.
const probeArguments = ({ maximumPixels }: ImageLimits): string[] => [
  ...['-format_whitelist', IMAGE_FORMATS, '-max_pixels', String(maximumPixels)],
  ...['-show_format', '-show_streams', '-show_packets', '-show_frames', '-read_intervals', '%+#2'],
  ...['-select_streams', 'v:0'],
];

interface Header {
  width: number;
  height: number;
  type: string;
  orientation: number;
}

function headerOf(head: Buffer): Header | undefined {
  try {
    const { width, height, type = '', orientation = 1 } = imageSize(head);
    return { width, height, type, orientation };
  } catch {
    // Not a picture, or a header that this reader does not know: ffprobe decides.
    return undefined;
  }
}

/** Pixels as a person sees them. */
export const uprightSize = ({ width, height, orientation }: ImageFacts): { width: number; height: number } =>
  orientation < 5 ? { width, height } : { width: height, height: width };

function assertPixels(width: number, height: number, limits: ImageLimits): void {
  if (width * height <= limits.maximumPixels) return;
  const message = `The portrait has ${width} x ${height} pixels; at most ${limits.maximumPixels / 1e6} million are taken. Send a smaller picture.`;
  throw new MediaError('media-too-large', message, { data: { width, height, ...limits } });
}

function factsOf(
  answer: ProbeAnswer | undefined,
  header: Header | undefined,
  head: Buffer,
  limits: ImageLimits,
): ImageFacts {
  const stream = answer?.streams[0];
  const [, frame, , second] = answer?.packets_and_frames ?? [];
  if (stream?.codec_name === undefined || frame?.width === undefined || frame.height === undefined) {
    throw unreadable(header, head);
  }
  assertPixels(frame.width, frame.height, limits);
  return {
    codec: stream.codec_name,
    width: frame.width,
    height: frame.height,
    pixelFormat: frame.pix_fmt ?? stream.pix_fmt ?? 'unknown',
    orientation: orientationOf(Number(frame.tags?.Orientation ?? header?.orientation ?? 1)),
    animated: second !== undefined,
  };
}

const orientationOf = (value: number): Orientation =>
  value >= 1 && value <= 8 ? (Math.trunc(value) as Orientation) : 1;

function unreadable(header: Header | undefined, head: Buffer): MediaError {
  const isHeif = head.toString('latin1', 4, 8) === 'ftyp';
  if (isHeif) {
    const message = 'The portrait is a HEIC or AVIF picture, which cannot be read here. Save it as JPEG or PNG.';
    return new MediaError('portrait-unreadable', message, { data: { type: header?.type } });
  }
  if (header !== undefined && header.type !== 'svg') {
    const message = `The portrait begins as a ${header.type.toUpperCase()} picture but cannot be decoded: it is cut off or damaged. Send the whole file.`;
    return new MediaError('portrait-incomplete', message, { data: { ...header } });
  }
  const message =
    'The portrait cannot be read: it is no picture, or an incomplete one. Send a whole JPEG, PNG or WebP file.';
  return new MediaError('portrait-unreadable', message);
}
