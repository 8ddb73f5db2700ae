/** A program the farm needs is neither here nor obtainable; the message says what the person can install. */
export class ToolMissingError extends Error {
  readonly code = 'tool-missing';
  readonly tool: string;
  readonly remedy: string;

  constructor(details: { tool: string; tried: string; remedy: string; cause?: unknown }) {
    super(`${details.tool} is missing (${details.tried}). ${details.remedy}`, { cause: details.cause });
    this.name = 'ToolMissingError';
    this.tool = details.tool;
    this.remedy = details.remedy;
  }
}

/** An override such as FARM_FFMPEG names something that cannot be run. */
export class ToolOverrideError extends Error {
  readonly code = 'tool-override-invalid';

  constructor(variable: string, path: string) {
    super(`${variable} names ${path}, which is not an executable file. Correct the path or unset ${variable}.`);
    this.name = 'ToolOverrideError';
  }
}

/** A command ended with a failure. `output` holds the end of what it printed. */
export class CommandFailedError extends Error {
  readonly code = 'command-failed';
  readonly exitCode: number | undefined;
  readonly output: string;

  constructor(details: { command: string; exitCode?: number | undefined; output: string; cause?: unknown }) {
    const ending = details.exitCode === undefined ? 'could not be run' : `ended with exit code ${details.exitCode}`;
    super(`\`${details.command}\` ${ending}${details.output ? `:\n${details.output}` : ''}`, { cause: details.cause });
    this.name = 'CommandFailedError';
    this.exitCode = details.exitCode;
    this.output = details.output;
  }
}

/** A server process ended, or did not answer in time, while it was being started. */
export class ServerStartError extends Error {
  readonly code = 'server-start-failed';

  constructor(details: { server: string; reason: string; log: string }) {
    super(`${details.server} did not start: ${details.reason}${details.log ? `\n${details.log}` : ''}`);
    this.name = 'ServerStartError';
  }
}
