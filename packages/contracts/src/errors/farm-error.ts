import { type ErrorCode, meaningOf } from './error-codes.js';

export interface FarmErrorOptions {
  /** Extension members of the problem document. */
  readonly data?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/**
 * The base of every named failure. Each failure has a class of its own, next to the code that throws it, which takes the
 * facts and writes the sentence: what was tried, with what, and what the person can do next.
 *
 * @typeParam Code wider than `ErrorCode` only where the code comes from outside, as from an engine
 */
export abstract class FarmError<Code extends string = ErrorCode> extends Error {
  readonly code: Code;
  readonly data: Readonly<Record<string, unknown>>;

  constructor(code: Code, message: string, { data = {}, cause }: FarmErrorOptions = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.data = data;
  }

  /** HTTP status of the failure, for the API and its clients. */
  get status(): number {
    return meaningOf(this.code).status;
  }
}

/** An error as records keep it and the API shows it. */
export interface RecordedError {
  code: string;
  message: string;
}

export interface Warning {
  code: string;
  message: string;
}

export function recordedError(error: unknown): RecordedError {
  if (error instanceof FarmError) return { code: error.code, message: error.message };
  return { code: 'internal', message: error instanceof Error ? error.message : String(error) };
}
