import { type FileHandle, rm, writeFile } from 'node:fs/promises';
import { MediaError } from './media-error.js';
import { readAt, withInput } from './probe.js';
import { isAnimatedWebp, webpFirstFrame } from './webp-first-frame.js';

const HEAD_BYTES = 32;
const JPEG = '\xff\xd8';
const TIFF = ['II*\0', 'MM\0*'];
const START_OF_SCAN = Buffer.from([0xff, 0xda]);
const END_OF_IMAGE = Buffer.from([0xff, 0xd9]);

const readWhole = async (file: FileHandle): Promise<Buffer> => await readAt(file, 0, (await file.stat()).size);

/**
 * Options for ffmpeg and ffprobe, by which a first frame that is cut off is an error. One thread gives each frame right
 * behind its packet; with more, what lies behind the first frame would be read and judged too.
 */
export async function strictDecoding(file: FileHandle): Promise<string[]> {
  const head = (await readAt(file, 0, HEAD_BYTES)).toString('latin1');
  // Any tag that ffmpeg does not know would be an error in TIFF, and an odd EXIF block in JPEG: see `assertJpegEnds`.
  const isLenient = [JPEG, ...TIFF].some((magic) => head.startsWith(magic));
  return ['-threads', '1', ...(isLenient ? [] : ['-err_detect', 'explode'])];
}

/** The decoder paints what is missing grey. Neither marker occurs within the data of a scan (ITU-T T.81, B.1.1.5). */
export async function assertJpegEnds(file: FileHandle): Promise<void> {
  const bytes = await readWhole(file);
  if (bytes.lastIndexOf(END_OF_IMAGE) < bytes.lastIndexOf(START_OF_SCAN)) throw truncatedImage('no end of image');
}

/**
 * Opens what ffmpeg can decode of a picture: the file as it is, or the first frame of an animated WebP, which lies
 * beside it meanwhile.
 *
 * @throws MediaError `portrait-incomplete` when that frame is not whole
 */
export async function withFirstFrame<Result>(
  file: FileHandle,
  path: string,
  use: (picture: FileHandle) => Promise<Result>,
): Promise<Result> {
  if (!isAnimatedWebp(await readAt(file, 0, HEAD_BYTES))) return await use(file);
  const still = webpFirstFrame(await readWhole(file));
  if (still === undefined) throw truncatedImage('no whole frame');
  const stillPath = `${path}.first-frame`;
  try {
    await writeFile(stillPath, still);
    return await withInput(stillPath, 'portrait', Number.POSITIVE_INFINITY, use);
  } finally {
    await rm(stillPath, { force: true });
  }
}

export function truncatedImage(stderr: string): MediaError {
  const message =
    'The portrait is cut off or damaged and cannot be decoded to its end. Send the whole file, or save it anew.';
  return new MediaError('portrait-incomplete', message, { data: { stderr } });
}
