import { FarmError } from '@farm/contracts';

export class BadMultipartError extends FarmError {
  constructor(cause: Error) {
    super('bad-multipart', `The body is not valid multipart/form-data: ${cause.message}.`, { cause });
  }
}

export class DuplicatePartError extends FarmError {
  /** @param formerName another name under which the part may have been sent */
  constructor(part: string, formerName: string | undefined) {
    const names = formerName === undefined ? part : `${part} (formerly ${formerName})`;
    super('duplicate-part', `The part ${names} was sent twice; send it once.`, { data: { part } });
  }
}

export class MissingPartError extends FarmError {
  constructor(missing: readonly string[]) {
    super('missing-part', `The request lacks the part ${missing.join(' and the part ')}.`, { data: { missing } });
  }
}

export class UnknownPartError extends FarmError {
  /** @param name none where the part came without one */
  constructor(name: string | undefined) {
    const problem =
      name === undefined ? 'A part has no name.' : `There is no part ${JSON.stringify(name.slice(0, 50))}.`;
    super('unknown-part', `${problem} Send spec (JSON), portrait and speech.`);
  }
}

export class NotAFileError extends FarmError {
  constructor(part: string) {
    super('not-a-file', `The part ${part} is text; send it as a file (curl: -F ${part}=@path).`, { data: { part } });
  }
}

export class SpecTooLargeError extends FarmError {
  constructor() {
    super('body-too-large', 'The spec is larger than 256 KiB.');
  }
}

export class InvalidSubmitError extends FarmError {
  constructor(errors: { field: string; message: string }[]) {
    const detail = errors.map(({ field, message }) => `${field}: ${message}`).join(' ');
    super('invalid-request', `Send {"spec": {…}, "portrait": id, "speech": id}. ${detail}`, { data: { errors } });
  }
}

export class UploadNotFoundError extends FarmError {
  constructor(uploadId: string, field: string) {
    super(
      'upload-not-found',
      `There is no upload ${uploadId} of yours: nothing was PUT to its URL yet, or it has expired. Upload the ${field} again.`,
      { data: { field } },
    );
  }
}
