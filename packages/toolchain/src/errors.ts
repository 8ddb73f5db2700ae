/** The base of this package's failures: a stable code, and a message that says what the person can do. */
export abstract class ToolchainError extends Error {
  abstract readonly code: string;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** A program the farm needs is neither here nor obtainable; the message says what the person can install. */
export abstract class ToolMissingError extends ToolchainError {
  readonly code = 'tool-missing';
  readonly tool: string;
  readonly remedy: string;

  constructor(details: { tool: string; tried: string; remedy: string; cause?: unknown }) {
    super(`${details.tool} is missing (${details.tried}). ${details.remedy}`, { cause: details.cause });
    this.tool = details.tool;
    this.remedy = details.remedy;
  }
}

/** What messages call a program, and what a person can install. */
interface MissingProgram {
  tool: string;
  remedy: string;
}

/** Neither on the PATH nor obtainable, because the system has no apt-get. */
export class ProgramNotFoundError extends ToolMissingError {
  constructor({ tool, remedy }: MissingProgram) {
    super({ tool, tried: 'not on the PATH, and this system has no apt-get', remedy });
  }
}

export class PackageUnobtainableError extends ToolMissingError {
  constructor({ tool, remedy }: MissingProgram, cause: unknown) {
    const tried = `not on the PATH, and fetching the package failed: ${(cause as Error).message}`;
    super({ tool, tried, remedy, cause });
  }
}

/** The package was installed, and the program is still not there. */
export class PackageWithoutProgramError extends ToolMissingError {
  constructor({ tool, remedy }: MissingProgram) {
    super({ tool, tried: 'not on the PATH even after apt-get install', remedy });
  }
}

export class FfmpegTooOldError extends ToolMissingError {
  constructor(ffmpeg: string, release: string, oldestVersion: string) {
    const remedy =
      'Set FARM_FFMPEG and FARM_FFPROBE to a newer build, such as the static ones that ffmpeg.org links to.';
    super({ tool: `ffmpeg ${oldestVersion} or newer`, tried: `${ffmpeg} is ${release}`, remedy });
  }
}

export class H264EncoderMissingError extends ToolMissingError {
  constructor(ffmpeg: string, installRemedy: string) {
    const remedy = `${installRemedy}, or set FARM_FFMPEG to one that has it.`;
    super({ tool: 'the H.264 encoder libx264', tried: `${ffmpeg} was built without it`, remedy });
  }
}

const PYTHON_REMEDY =
  'Install Python 3.10 or newer with `brew install python` (macOS), `sudo dnf install python3` (Fedora), ' +
  '`sudo pacman -S python` (Arch) or `sudo apt-get install python3 python3-venv` (Debian, Ubuntu), ' +
  'or set FARM_PYTHON to its path.';

export class PythonMissingError extends ToolMissingError {
  constructor(names: readonly string[]) {
    const tried = `looked on the PATH for ${names.join(', ')}`;
    super({ tool: 'Python 3.10 or newer', tried, remedy: PYTHON_REMEDY });
  }
}

/** Debian and Ubuntu package Python without its venv module. */
export class VenvMissingError extends ToolMissingError {
  constructor(python: string, version: string, cause: CommandFailedError) {
    super({
      tool: "Python's venv module",
      tried: `\`${python} -m venv\` failed: ${cause.output.split('\n').slice(-6).join(' ')}`,
      remedy: `On Debian and Ubuntu: \`sudo apt-get install python${version}-venv\`. Elsewhere: ${PYTHON_REMEDY}`,
      cause,
    });
  }
}

export class MinioMissingError extends ToolMissingError {
  constructor(reason: string) {
    const remedy = 'Put a `minio` on the PATH, install Go 1.24 or newer, or set FARM_MINIO.';
    super({ tool: 'MinIO', tried: reason, remedy });
  }
}

/** An override such as FARM_FFMPEG names something that cannot be run. */
export class ToolOverrideError extends ToolchainError {
  readonly code = 'tool-override-invalid';

  constructor(variable: string, path: string) {
    super(`${variable} names ${path}, which is not an executable file. Correct the path or unset ${variable}.`);
  }
}

/** A Python package was asked for an extra that it does not have. */
export class UnknownExtraError extends ToolchainError {
  readonly code = 'unknown-extra';

  constructor(file: string, extra: string, known: readonly string[]) {
    super(`${file} has no extra "${extra}"; it has: ${known.join(', ')}`);
  }
}

/** A command ended with a failure. `output` holds the end of what it printed. */
export class CommandFailedError extends ToolchainError {
  readonly code = 'command-failed';
  readonly exitCode: number | undefined;
  readonly output: string;

  constructor(details: { command: string; exitCode?: number | undefined; output: string; cause?: unknown }) {
    const ending = details.exitCode === undefined ? 'could not be run' : `ended with exit code ${details.exitCode}`;
    super(`\`${details.command}\` ${ending}${details.output ? `:\n${details.output}` : ''}`, { cause: details.cause });
    this.exitCode = details.exitCode;
    this.output = details.output;
  }
}
