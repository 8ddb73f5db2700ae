import { type ErrorCode, FarmError, JobSpec } from '@farm/contracts';
import type { ZodError } from 'zod';

export class BadSpecJsonError extends FarmError {
  constructor(cause: unknown) {
    const reason = cause instanceof Error ? ` (${cause.message})` : '';
    super('bad-json', `The spec is not valid JSON${reason}. Send an object such as {"prompt":"…"}.`, { cause });
  }
}

interface FieldFault {
  field: string;
  message: string;
}

const faultsOf = (error: ZodError): FieldFault[] =>
  error.issues.map(({ path, message }) => ({ field: path.join('.') || 'spec', message }));

export class UnknownFieldError extends FarmError {
  constructor(fields: string[], error: ZodError) {
    super(
      'unknown-field',
      `The spec has fields that do not exist: ${fields.slice(0, 10).join(', ')}. These exist: ${Object.keys(JobSpec.shape).join(', ')}.`,
      { data: { errors: faultsOf(error), fields } },
    );
  }
}

/** The compiler refuses a field of `JobSpec` that has no code here. */
const codeOfField = {
  prompt: 'invalid-prompt',
  size: 'invalid-size',
  clips: 'invalid-clips',
  truncate: 'invalid-truncate',
  framesPerClip: 'invalid-frames-per-clip',
  steps: 'invalid-steps',
  solver: 'invalid-solver',
  guidanceScale: 'invalid-guidance-scale',
  seed: 'invalid-seed',
  engine: 'invalid-engine',
  precision: 'invalid-precision',
  continuity: 'invalid-continuity',
  segmentClips: 'invalid-segment-clips',
  preset: 'invalid-preset',
  priority: 'invalid-priority',
  dueAt: 'invalid-due-at',
  metadata: 'invalid-metadata',
} as const satisfies Record<keyof JobSpec, ErrorCode>;

function codeOf(error: ZodError): ErrorCode {
  const field = error.issues[0]?.path[0];
  return typeof field === 'string' && field in codeOfField ? codeOfField[field as keyof JobSpec] : 'invalid-spec';
}

/** The first fault names the code; `errors` has them all. */
export class InvalidSpecError extends FarmError {
  constructor(error: ZodError) {
    const errors = faultsOf(error);
    const detail = errors.map(({ field, message }) => `${field}: ${message}`).join(' ');
    super(codeOf(error), detail, { data: { errors } });
  }
}

export class GuidanceNotSupportedError extends FarmError {
  constructor() {
    super(
      'not-supported-yet',
      'guidanceScale can only be 0: the distilled model runs without guidance. Leave it out.',
      { data: { field: 'guidanceScale' } },
    );
  }
}

export class PrecisionNotSupportedError extends FarmError {
  constructor() {
    super('not-supported-yet', 'precision "fp8" and "int8" are not rendered yet. Use "auto" or "bf16".', {
      data: { field: 'precision' },
    });
  }
}

export class FramesPerClipNotSupportedError extends FarmError {
  constructor(asked: number, only: number) {
    super(
      'not-supported-yet',
      `framesPerClip ${asked}: the liveavatar model was distilled for clips of ${only} frames. Leave it out.`,
      { data: { field: 'framesPerClip' } },
    );
  }
}

interface ClipShortage {
  speechSeconds: number;
  clips: number;
  framesPerClip: number;
  clipsSeconds: number;
  neededClips: number;
}

export class SpeechLongerThanClipsError extends FarmError {
  constructor({ speechSeconds, clips, framesPerClip, clipsSeconds, neededClips }: ClipShortage) {
    super(
      'speech-longer-than-clips',
      `The speech lasts ${speechSeconds.toFixed(2)} s, and ${clips} clips of ${framesPerClip} frames hold ` +
        `${clipsSeconds.toFixed(2)} s. Ask for ${neededClips} clips, leave clips out, or set truncate to true.`,
      { data: { field: 'clips', clips, neededClips, speechSeconds } },
    );
  }
}

export class TooLargeForEveryClassError extends FarmError {
  constructor(reason: string, suggestions: readonly string[]) {
    super('too-large-for-every-class', `${reason} Try ${suggestions.join(', or ')}.`, { data: { suggestions } });
  }
}
