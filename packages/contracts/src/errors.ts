/** What every failure of the farm is to code: a stable name, a sentence for people, data, and the HTTP status it maps to. */
export class FarmError extends Error {
  readonly code: string;
  readonly status: number;
  readonly data: Readonly<Record<string, unknown>>;

  constructor(
    code: string,
    message: string,
    options: { status?: number; data?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'FarmError';
    this.code = code;
    this.status = options.status ?? 500;
    this.data = options.data ?? {};
  }
}

/** RFC 9457 problem document. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  instance?: string;
  [extension: string]: unknown;
}

/** An error as records keep it and views show it. */
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
