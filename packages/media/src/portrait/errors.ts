import { MediaError } from '../media-error.js';
import type { PictureHeader } from './picture-header.js';
import type { PortraitLimits } from './portrait-limits.js';

export class PortraitTooManyPixelsError extends MediaError {
  constructor(width: number, height: number, limits: PortraitLimits) {
    const message =
      `The portrait has ${width} x ${height} pixels; at most ${limits.maximumPixels / 1e6} million are accepted. ` +
      'Send a smaller picture.';
    super('media-too-large', message, { data: { width, height, ...limits } });
  }
}

export class PortraitUnreadableError extends MediaError {
  constructor() {
    const message =
      'The portrait cannot be read: it is not a picture, or it is incomplete. Send a complete JPEG, PNG or WebP file.';
    super('portrait-unreadable', message);
  }
}

/** HEIC and AVIF, which ffmpeg reads only in some builds. */
export class HeifPortraitError extends MediaError {
  constructor(type: string | undefined) {
    const message = 'The portrait is a HEIC or AVIF picture, which cannot be read here. Save it as JPEG or PNG.';
    super('portrait-unreadable', message, { data: { type } });
  }
}

/** Only the header is whole: no frame could be decoded at all. */
export class PortraitWithoutFrameError extends MediaError {
  constructor(header: PictureHeader) {
    const message =
      `The portrait begins as a ${header.type.toUpperCase()} picture but cannot be decoded: it is cut off or damaged. ` +
      'Send the complete file.';
    super('portrait-incomplete', message, { data: { ...header } });
  }
}

/** The first frame is not whole. */
export class PortraitIncompleteError extends MediaError {
  constructor(stderr: string) {
    const message =
      'The portrait is cut off or damaged and cannot be decoded to its end. Send the complete file, or save it again.';
    super('portrait-incomplete', message, { data: { stderr } });
  }
}
