import { type Paint, painter, wantsColour } from './style.js';

/** Where text goes: stdout, stderr, or what a test collects. */
export interface OutputStream {
  write(text: string): boolean;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Results go to stdout, remarks for people to stderr. */
export interface Output {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly paint: Paint;
  /** A line of the result. */
  line(text: string): void;
  /** One JSON document, on a single line when `compact`. */
  json(value: unknown, format?: { compact: boolean }): void;
  /** A remark for people. */
  note(text: string): void;
}

export function createOutput(options: {
  stdout: OutputStream;
  stderr: OutputStream;
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
