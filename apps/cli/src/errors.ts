import { type ExitCode, exitCodes } from './exit-codes.js';

/** Codes of the failures that the command line itself names; `--json` prints them, and scripts may branch on them. */
export type CommandErrorCode =
  | 'interrupted'
  | 'key-file-unreadable'
  | 'machine-unfit'
  | 'some-failed'
  | 'some-refused'
  | 'speech-empty'
  | 'upstream-flag-refused'
  | 'url-invalid'
  | 'usage'
  | 'weights-failed'
  | 'worker-ended'
  | 'worker-restarted';

export interface CommandErrorOptions {
  readonly exitCode: ExitCode;
  readonly cause?: unknown;
  /** The program that did the work has printed the reason on stderr: nothing is added to it. */
  readonly isExplained?: boolean;
}

/**
 * The base of every failure of a command.
 * @typeParam Code wider than `CommandErrorCode` only where the code comes from the farm, as that of a failed job
 */
export abstract class CommandError<Code extends string = CommandErrorCode> extends Error {
  readonly code: Code;
  readonly exitCode: ExitCode;
  readonly isExplained: boolean;

  constructor(code: Code, message: string, { exitCode, cause, isExplained = false }: CommandErrorOptions) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.exitCode = exitCode;
    this.isExplained = isExplained;
  }
}

/** The command line is wrong. */
export class UsageError extends CommandError {
  constructor(message: string, cause?: unknown) {
    super('usage', message, { exitCode: exitCodes.usage, cause });
  }
}

/** The value of an option is not what it must be. */
export class InvalidOptionError extends UsageError {
  /** @param expected completes the sentence "write …" */
  constructor(option: string, { value, expected }: { readonly value: string; readonly expected: string }) {
    super(`${option}: write ${expected}, not "${value}".`);
  }
}

/** A file that an option names cannot be read. */
export class UnreadableFileError extends UsageError {
  constructor(option: string, path: string, cause: Error) {
    super(`${option}: ${path} cannot be read (${cause.message}).`, cause);
  }
}

export class KeyFileUnreadableError extends CommandError {
  /** @param source the option or variable that names the file */
  constructor(source: string, path: string, cause: Error) {
    const message = `${source} names ${path}, which cannot be read: ${cause.message}.`;
    super('key-file-unreadable', message, { exitCode: exitCodes.usage, cause });
  }
}

export class InvalidUrlError extends CommandError {
  constructor(url: string) {
    const message = `"${url}" is not the address of a farm. Write it as http://host:port (--url or FARM_URL).`;
    super('url-invalid', message, { exitCode: exitCodes.usage });
  }
}

/** Ctrl-C or SIGTERM: the sentence says what continues without the command, and how to come back to it. */
export class InterruptedError extends CommandError {
  private constructor(message: string) {
    super('interrupted', message, { exitCode: exitCodes.interrupted });
  }

  static beforeSubmit() {
    return new InterruptedError('Stopped before the job was submitted.');
  }

  static whileWatching(jobId: string) {
    return new InterruptedError(`Stopped watching; the job continues. Come back with: farm watch ${jobId}`);
  }

  /** @param jobIds of the jobs that continue */
  static whileWatchingSeveral(jobIds: readonly string[], { unsentCount }: { readonly unsentCount: number }) {
    const unsent = unsentCount === 0 ? '' : ` ${unsentCount} recordings were not submitted yet.`;
    const one = jobIds[0] === undefined ? '' : ` (or watch one: farm watch ${jobIds[0]})`;
    return new InterruptedError(
      `Stopped watching; ${jobIds.length} jobs continue.${unsent} Come back by running the same command again${one}.`,
    );
  }

  static whileDraining(workerId: string) {
    return new InterruptedError(`Stopped waiting; ${workerId} is still leaving. Check with: farm workers`);
  }

  static whilePulling() {
    return new InterruptedError('Stopped; what was downloaded is kept. The same command continues from there.');
  }

  static whileRebuilding() {
    return new InterruptedError('Stopped; the farm is not back yet. The same command continues from there.');
  }

  static duringDemo() {
    return new InterruptedError('Stopped; the farm is down.');
  }

  static otherwise() {
    return new InterruptedError('Stopped.');
  }
}
