import { FarmError } from '@farm/contracts';
import type { PixelSize } from '@farm/placement';
import type { InputName } from './part-names.js';

export class FileTooLargeError extends FarmError {
  /** @param file.part the part of a submit that the file is; none for an upload */
  constructor({ part, maximumBytes, cause }: { part?: string; maximumBytes: number; cause: unknown }) {
    const message = `The ${part ?? 'file'} is larger than ${(maximumBytes / 1e6).toFixed(0)} MB, the most that is accepted.`;
    super('file-too-large', message, { data: { ...(part && { part }), maximumBytes }, cause });
  }
}

export class UploadAbortedError extends FarmError {
  /** @param file what ended too early, such as "portrait" */
  constructor(file: string, cause: unknown) {
    super('upload-aborted', `The ${file} ended before it was complete; nothing was kept. Send it again.`, { cause });
  }
}

export class ClientDisconnectedError extends FarmError {
  constructor() {
    super('upload-aborted', 'The client closed the connection.');
  }
}

/** The storage sweep takes what no record points to for garbage, and a submit has no record until it is complete. */
export class InputSweptError extends FarmError {
  constructor(part: InputName) {
    super(
      'input-swept',
      `The ${part} was stored and then removed as unused, before the job could be accepted: the submit took too long. ` +
        'Submit the job again; on a slow connection, upload the files first (POST /v1/uploads).',
      { data: { field: part } },
    );
  }
}

const seen = ({ width, height }: PixelSize) => `The portrait has ${width} x ${height} pixels`;

export class PortraitTooSmallError extends FarmError {
  constructor(size: PixelSize, { smallestSide, goodSide }: { smallestSide: number; goodSide: number }) {
    super(
      'portrait-too-small',
      `${seen(size)}; each side needs ${smallestSide} or more; ${goodSide} or more look good.`,
      {
        data: { field: 'portrait', ...size },
      },
    );
  }
}

export class PortraitTooNarrowError extends FarmError {
  constructor(size: PixelSize, largestAspect: number) {
    super(
      'portrait-too-narrow',
      `${seen(size)}; one side may be at most ${largestAspect} times the other. Crop it to the person.`,
      { data: { field: 'portrait', ...size } },
    );
  }
}
