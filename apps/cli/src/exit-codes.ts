import { ApiError, ApiUnreachableError } from './client/index.js';

/** What `farm` ends with, for scripts. Documented in docs/cli.md and at the end of `farm --help`. */
export const exitCodes = {
  done: 0,
  unexpected: 1,
  usage: 2,
  refused: 3,
  notFound: 4,
  unreachable: 5,
  notAllowed: 6,
  jobNotMade: 7,
  partlyMade: 8,
  conflict: 9,
  limitReached: 10,
  machineUnfit: 11,
  interrupted: 130,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export const exitCodeMeanings: Readonly<Record<keyof typeof exitCodes, string>> = {
  done: 'done',
  unexpected: 'something unexpected went wrong',
  usage: 'the command line is wrong',
  refused: 'the farm, or a check before it, refused the input',
  notFound: 'no such job, worker or key',
  unreachable: 'the farm, or the hub of the weights, does not answer or is not available now',
  notAllowed: 'the key is missing, unknown, revoked or not allowed to do this',
  jobNotMade: 'the job failed or was canceled',
  partlyMade: 'some of several files failed; the others are done',
  conflict: 'the state does not allow it, such as retrying a job that runs',
  limitReached: 'a rate limit or a quota is reached',
  machineUnfit: 'farm doctor or farm models found something that does not fit',
  interrupted: 'Ctrl-C; what was submitted goes on in the farm',
};

/** A failure that a command has worded itself. */
export class CommandError extends Error {
  readonly code: string;
  readonly exitCode: ExitCode;
  /** The program that did the work has said it on stderr. */
  readonly alreadyTold: boolean;

  constructor(details: { code: string; exitCode: ExitCode; message: string; cause?: unknown; alreadyTold?: true }) {
    super(details.message, { cause: details.cause });
    this.name = 'CommandError';
    this.code = details.code;
    this.exitCode = details.exitCode;
    this.alreadyTold = details.alreadyTold ?? false;
  }
}

export function usageError(message: string): CommandError {
  return new CommandError({ code: 'usage', exitCode: exitCodes.usage, message });
}

export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CommandError) return error.exitCode;
  if (error instanceof ApiUnreachableError) return exitCodes.unreachable;
  if (error instanceof ApiError) return exitCodeOfStatus(error.status);
  if (error instanceof Error && error.name === 'AbortError') return exitCodes.interrupted;
  return exitCodes.unexpected;
}

function exitCodeOfStatus(status: number): ExitCode {
  if (status === 401 || status === 403) return exitCodes.notAllowed;
  if (status === 404 || status === 410) return exitCodes.notFound;
  if (status === 409) return exitCodes.conflict;
  if (status === 429) return exitCodes.limitReached;
  if (status >= 502 && status <= 504) return exitCodes.unreachable;
  return status >= 500 ? exitCodes.unexpected : exitCodes.refused;
}

/** The table of docs/cli.md. */
export function exitCodesTable(): string {
  const names = Object.keys(exitCodes) as Array<keyof typeof exitCodes>;
  const rows = names.map((name) => `| ${exitCodes[name]} | ${exitCodeMeanings[name]} |`);
  return ['| exit code | meaning |', '| --- | --- |', ...rows].join('\n');
}
