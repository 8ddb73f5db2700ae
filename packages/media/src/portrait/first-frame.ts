import { type FileHandle, rm, writeFile } from 'node:fs/promises';
import { readAt, withInput } from '../programs/input-file.js';
import { PortraitIncompleteError } from './errors.js';
import { isAnimatedWebp, webpFirstFrame } from './webp-first-frame.js';

const HEAD_BYTES = 32;
const JPEG = '\xff\xd8';
const TIFF = ['II*\0', 'MM\0*'];
const START_OF_SCAN = Buffer.from([0xff, 0xda]);
const END_OF_IMAGE = Buffer.from([0xff, 0xd9]);

const readWhole = async (file: FileHandle): Promise<Buffer> => await readAt(file, 0, (await file.stat()).size);

/**
 * Options for ffmpeg and ffprobe that make a first frame that is cut off an error. One thread returns each frame directly
 * after its packet; with more, what follows the first frame would be read and judged too.
 */
export async function strictDecoding(file: FileHandle): Promise<string[]> {
  const head = (await readAt(file, 0, HEAD_BYTES)).toString('latin1');
  // Any tag that ffmpeg does not know would be an error in TIFF, and an odd EXIF block in JPEG: see `assertJpegEnds`.
  const isLenient = [JPEG, ...TIFF].some((magic) => head.startsWith(magic));
  return ['-threads', '1', ...(isLenient ? [] : ['-err_detect', 'explode'])];
}

/** The decoder fills what is missing with grey. Neither marker occurs in the data of a scan (ITU-T T.81, B.1.1.5). */
export async function assertJpegEnds(file: FileHandle): Promise<void> {
  const bytes = await readWhole(file);
  if (bytes.lastIndexOf(END_OF_IMAGE) < bytes.lastIndexOf(START_OF_SCAN))
    throw new PortraitIncompleteError('no end of image');
}

/**
 * Opens what ffmpeg can decode of a picture: the file as it is, or the first frame of an animated WebP, which is written
 * next to it for as long as `use` runs.
 *
 * @throws PortraitIncompleteError when that frame is not whole
 */
export async function withFirstFrame<Result>(
  file: FileHandle,
  path: string,
  use: (picture: FileHandle) => Promise<Result>,
): Promise<Result> {
  if (!isAnimatedWebp(await readAt(file, 0, HEAD_BYTES))) return await use(file);
  const still = webpFirstFrame(await readWhole(file));
  if (still === undefined) throw new PortraitIncompleteError('no whole frame');
  const stillPath = `${path}.first-frame`;
  try {
    await writeFile(stillPath, still);
    return await withInput({ path: stillPath, what: 'portrait' }, use);
  } finally {
    await rm(stillPath, { force: true });
  }
}
