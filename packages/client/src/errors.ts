import type { Problem } from '@farm/contracts';

/** The API responded with a problem document. `code` is stable; `message` is for people. */
export class ApiError extends Error {
  readonly code: string;
  readonly status: number;
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail || problem.title);
    this.name = 'ApiError';
    this.code = problem.code;
    this.status = problem.status;
    this.problem = problem;
  }
}

/** Nothing was listening at the farm's address for as long as calls are retried. */
export class ApiUnreachableError extends Error {
  readonly code = 'api-unreachable';
  readonly url: string;

  constructor(url: string, cause: unknown) {
    super(
      `The farm at ${url} cannot be reached (${reasonOf(cause)}). ` +
        'Is it running? `farm up` starts one on this machine; --url or FARM_URL names another.',
      { cause },
    );
    this.name = 'ApiUnreachableError';
    this.url = url;
  }
}

/** Something responded, but it does not speak the farm's API. */
export class UnexpectedResponseError extends Error {
  readonly code = 'unexpected-response';

  /** @param request method and URL */
  constructor(request: string, { status, cause }: { readonly status: number; readonly cause?: unknown }) {
    super(
      `${request} returned a response (HTTP ${status}) that this command does not understand. ` +
        'Is --url (FARM_URL) a farm, and of the same version as this command?',
      { cause },
    );
    this.name = 'UnexpectedResponseError';
  }
}

/** The video that was received is not the one the farm made; nothing of it was kept. */
export class DownloadCorruptError extends Error {
  readonly code = 'download-corrupt';

  constructor(path: string, sha256: { readonly received: string; readonly expected: string }) {
    super(
      `The video for ${path} was damaged on its way: its SHA-256 is ${sha256.received}, the manifest says ` +
        `${sha256.expected}. Nothing was saved; run the command again.`,
    );
    this.name = 'DownloadCorruptError';
  }
}

/** The video cannot be written to the path that was asked for. */
export class SaveFailedError extends Error {
  readonly code = 'save-failed';

  constructor(path: string, cause: Error) {
    const reasons: Record<string, string> = {
      ENOSPC: 'the disk is full',
      EACCES: 'you may not write there',
      EROFS: 'the disk is read-only',
      ENOTDIR: 'a part of the path is a file, not a folder',
    };
    const reason = ('code' in cause && reasons[String(cause.code)]) || cause.message;
    super(
      `The video cannot be saved as ${path}: ${reason}. It stays in the farm; run the command again with another path.`,
      { cause },
    );
    this.name = 'SaveFailedError';
  }
}

/** The reason underneath an error of `fetch`, whose own message is only "fetch failed". */
export function reasonOf(error: unknown): string {
  let inner = error;
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause;
  if (!(inner instanceof Error)) return String(inner);
  const code = 'code' in inner && typeof inner.code === 'string' ? inner.code : undefined;
  return inner.message || code || inner.name;
}
