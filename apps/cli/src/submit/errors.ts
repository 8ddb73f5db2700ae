import { CommandError, UsageError } from '../errors.js';
import { exitCodeOf } from '../exit-code-of.js';
import { exitCodes } from '../exit-codes.js';

export class MissingPromptError extends UsageError {
  constructor() {
    super('--prompt is missing. Describe the person and the scene in a sentence or two.');
  }
}

/** One line per option that is wrong. */
export class InvalidSettingsError extends UsageError {
  constructor(problems: ReadonlyArray<{ readonly option: string; readonly message: string }>) {
    super(problems.map(({ option, message }) => `${option}: ${message}`).join('\n'));
  }
}

export class NoSuchRecordingError extends UsageError {
  constructor(path: string) {
    super(`--speech: there is no file ${path}.`);
  }
}

export class NoMatchingRecordingError extends UsageError {
  constructor(pattern: string) {
    super(`--speech: no file matches ${pattern} (seen from ${process.cwd()}).`);
  }
}

/** Several recordings, and one path for all their videos. */
export class SharedOutputError extends UsageError {
  constructor(outPath: string, { recordingCount }: { readonly recordingCount: number }) {
    super(
      `--out: ${recordingCount} recordings cannot share ${outPath}. Write {name} into it, as in outputs/{name}.mp4.`,
    );
  }
}

/** Two recordings whose videos would have the same path. */
export class ClashingOutputsError extends UsageError {
  constructor(outPath: string, [first, second]: readonly [string, string]) {
    super(`--out: ${first} and ${second} would both become ${outPath}.`);
  }
}

/** Refused here rather than after an upload. */
export class EmptySpeechError extends CommandError {
  constructor(path: string) {
    const message = `${path} is empty (0 bytes). Was the recording copied completely?`;
    super('speech-empty', message, { exitCode: exitCodes.refused });
  }
}

/** Some recordings failed; which ones and why has been printed. */
export class SomeFailedError extends CommandError {
  constructor(failures: readonly Error[], { count }: { readonly count: number }) {
    super('some-failed', 'Running the same command again does only what is missing.', {
      exitCode: failures.length < count ? exitCodes.partlyMade : exitCodeOf(failures[0]),
      cause: failures[0],
    });
  }
}
