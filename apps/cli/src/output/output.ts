import type { ProgressStream } from '../progress/index.js';
import { type Paint, painter, wantsColour } from '../progress/style.js';

/** Results go to stdout, everything said to a person beside them to stderr. */
export interface Output {
  readonly stdout: ProgressStream;
  readonly stderr: ProgressStream;
  readonly paint: Paint;
  /** A line of the result. */
  line(text: string): void;
  /** One JSON document, or one line of JSON lines when `compact`. */
  json(value: unknown, format?: { compact: boolean }): void;
  /** A remark for people. */
  note(text: string): void;
}

export function createOutput(options: {
  stdout: ProgressStream;
  stderr: ProgressStream;
  environment: NodeJS.ProcessEnv;
}): Output {
  const { stdout, stderr, environment } = options;
  return {
    stdout,
    stderr,
    paint: painter(wantsColour(stdout, environment)),
    line: (text) => void stdout.write(`${text}\n`),
    json: (value, format) => void stdout.write(`${JSON.stringify(value, null, format?.compact ? 0 : 2)}\n`),
    note: (text) => void stderr.write(`${text}\n`),
  };
}
