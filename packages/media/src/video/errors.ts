import { MediaError } from '../media-error.js';

/** Frames that a piece should have, and whole ones that came through its FIFO. */
interface FrameCounts {
  frameCount: number;
  seen: number;
  stderr: string;
}

const miscounted = (frameCount: number, cameThrough: string): string =>
  `The piece has ${frameCount} frames, but ${cameThrough} came through its FIFO; nothing was kept. ` +
  'The engine that wrote them ended early or miscounted: render the piece again.';

/** The writer closed the FIFO before all frames of the piece had come. */
export class PieceIncompleteError extends MediaError {
  constructor(counts: FrameCounts) {
    super('piece-incomplete', miscounted(counts.frameCount, `${counts.seen} complete ones`), { data: { ...counts } });
  }
}

/** The writer wrote more than the frames of the piece. */
export class PieceOverlongError extends MediaError {
  constructor(counts: FrameCounts) {
    const rest = counts.seen === counts.frameCount ? ' and part of another' : '';
    super('piece-overlong', miscounted(counts.frameCount, `${counts.seen} complete ones${rest}`), {
      data: { ...counts },
    });
  }
}

export class PieceMissingError extends MediaError {
  constructor(path: string, cause: unknown) {
    const message = `The piece ${path} is not there. Fetch it again before joining.`;
    super('video-mismatch', message, { cause, data: { path } });
  }
}

/** What was joined is not the video that was asked for. */
export class VideoMismatchError extends MediaError {
  constructor(faults: readonly string[], facts: object) {
    const message =
      `The joined video is not what was asked for: ${faults.join(', ')}. ` +
      'A piece is missing or was made with other settings.';
    super('video-mismatch', message, { data: { faults, ...facts } });
  }
}

export class VideoUnreadableError extends MediaError {
  constructor(path: string) {
    super('video-mismatch', `${path} has no video stream that ffprobe can read.`, { data: { path } });
  }
}
