import { MediaError } from '../media-error.js';

/** What can be known about how a program ended. */
interface ProgramEnding {
  command: string;
  exitCode: number | null;
  exitSignal: NodeJS.Signals | null;
  stderr: string;
}

const lastOutput = (stderr: string): string => `The end of its error output: ${stderr || '(none)'}`;

/** ffmpeg or ffprobe is not where the configuration says. */
export class FfmpegMissingError extends MediaError {
  constructor(command: string, stderr: string) {
    const remedy = 'Install ffmpeg 4.2 or later (which includes ffprobe), or correct its path.';
    super('ffmpeg-missing', `${command} cannot be started. ${remedy}`, { data: { command, stderr } });
  }
}

export class FfmpegFailedError extends MediaError {
  constructor({ command, exitCode, exitSignal, stderr }: ProgramEnding) {
    const ending = exitSignal === null ? `exit code ${exitCode}` : `signal ${exitSignal}`;
    super('ffmpeg-failed', `${command} ended with ${ending}. ${lastOutput(stderr)}`, {
      data: { exitCode, exitSignal, stderr },
    });
  }
}

export class FfmpegTimeoutError extends MediaError {
  constructor(command: string, timeoutMs: number, stderr: string) {
    const message = `${command} was stopped after ${timeoutMs / 1000} s, before it had finished. ${lastOutput(stderr)}`;
    super('ffmpeg-timeout', message, { data: { timeoutMs, stderr } });
  }
}

export class MediaEmptyError extends MediaError {
  constructor(readonly what: string) {
    super('media-empty', `The ${what} is empty (0 bytes). Send the file again.`);
  }
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);

/** More bytes than allowed. */
export class MediaTooLargeError extends MediaError {
  constructor(what: string, bytes: number, maximumBytes: number) {
    const sizes = `has ${megabytes(bytes)} MB; at most ${megabytes(maximumBytes)} MB are accepted`;
    super('media-too-large', `The ${what} ${sizes}. Send a smaller file.`, { data: { bytes, maximumBytes } });
  }
}
