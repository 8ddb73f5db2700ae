import type { MediaError } from '../media-error.js';
import { askFfprobe, type ProbeAnswer } from '../programs/ffprobe.js';
import { readAt, withInput } from '../programs/input-file.js';
import type { CallOptions, MediaTools } from '../programs/media-tools.js';
import {
  HeifPortraitError,
  PortraitTooManyPixelsError,
  PortraitUnreadableError,
  PortraitWithoutFrameError,
} from './errors.js';
import { assertJpegEnds, strictDecoding, withFirstFrame } from './first-frame.js';
import { type PictureHeader, readPictureHeader } from './picture-header.js';
import { defaultPortraitLimits, type PortraitLimits } from './portrait-limits.js';
import { isAnimatedWebp } from './webp-first-frame.js';

/** The only containers that are opened: none of them can point to other files. */
export const PORTRAIT_FORMATS = 'png_pipe,jpeg_pipe,webp_pipe,bmp_pipe,tiff_pipe,gif,apng,jpegxl_pipe,mjpeg';
const HEAD_BYTES = 1024 * 1024;

/** EXIF orientation (Exif 2.3, tag 0x0112): 1 is upright, 3, 6 and 8 are turned, the others are also mirrored. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

export interface PortraitFacts {
  codec: string;
  /** Pixels as stored; 5 to 8 of `orientation` swap them on the screen. */
  width: number;
  height: number;
  /** As ffmpeg names it. */
  pixelFormat: string;
  orientation: Orientation;
  /** More than one frame; the first is used. */
  animated: boolean;
}

/**
 * Judges a portrait by its content; names and MIME types do not count. Sizes are read from the header before any decoder
 * sees the file, and decoders get the same limit. The first frame is decoded to its end: what is cut off is refused.
 *
 * @throws MediaError with the code `media-empty`, `media-too-large`, `portrait-unreadable` or `portrait-incomplete`
 */
export async function probePortrait(
  tools: MediaTools,
  path: string,
  options: CallOptions & { limits?: PortraitLimits } = {},
): Promise<PortraitFacts> {
  const { limits = defaultPortraitLimits, ...call } = options;
  return await withInput({ path, what: 'portrait', maximumBytes: limits.maximumBytes }, async (file) => {
    const head = await readAt(file, 0, HEAD_BYTES);
    const header = readPictureHeader(head);
    if (header !== undefined) assertPixels(header.width, header.height, limits);
    const answer = await withFirstFrame(file, path, async (picture) => {
      const args = [...probeArguments(limits), ...(await strictDecoding(picture))];
      return await askFfprobe(tools, { file: picture, args, ...call });
    });
    const facts = factsOf(answer, header);
    if (facts === undefined) throw unreadable(header, head);
    assertPixels(facts.width, facts.height, limits);
    if (facts.codec === 'mjpeg') await assertJpegEnds(file);
    return { ...facts, animated: facts.animated || isAnimatedWebp(head) };
  });
}

// Two frames tell a picture from an animation.
const probeArguments = ({ maximumPixels }: PortraitLimits): string[] => [
  ...['-format_whitelist', PORTRAIT_FORMATS, '-max_pixels', String(maximumPixels)],
  ...['-show_format', '-show_streams', '-show_packets', '-show_frames', '-read_intervals', '%+#2'],
  ...['-select_streams', 'v:0'],
];

/** Pixels as a person sees them. */
export const uprightSize = ({ width, height, orientation }: PortraitFacts): { width: number; height: number } =>
  orientation < 5 ? { width, height } : { width: height, height: width };

function assertPixels(width: number, height: number, limits: PortraitLimits): void {
  if (width * height > limits.maximumPixels) throw new PortraitTooManyPixelsError(width, height, limits);
}

/** `undefined` where ffprobe found no frame. */
function factsOf(answer: ProbeAnswer | undefined, header: PictureHeader | undefined): PortraitFacts | undefined {
  const stream = answer?.streams[0];
  const [, frame, , second] = answer?.packets_and_frames ?? [];
  if (stream?.codec_name === undefined || frame?.width === undefined || frame.height === undefined) return undefined;
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

function unreadable(header: PictureHeader | undefined, head: Buffer): MediaError {
  const isHeif = head.toString('latin1', 4, 8) === 'ftyp';
  if (isHeif) return new HeifPortraitError(header?.type);
  if (header !== undefined && header.type !== 'svg') return new PortraitWithoutFrameError(header);
  return new PortraitUnreadableError();
}
