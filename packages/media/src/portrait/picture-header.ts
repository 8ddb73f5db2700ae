import { imageSize } from 'image-size';

/** What the header of a picture says; `type` is named as `image-size` names it. */
export interface PictureHeader {
  width: number;
  height: number;
  type: string;
  orientation: number;
}

export function readPictureHeader(head: Buffer): PictureHeader | undefined {
  try {
    const { width, height, type = '', orientation = 1 } = imageSize(head);
    return { width, height, type, orientation };
  } catch {
    // Not a picture, or a header that this reader does not know: ffprobe decides.
    return undefined;
  }
}
