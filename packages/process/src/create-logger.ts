import { type Logger, type LoggerOptions, pino } from 'pino';

/** JSON, one object per line, on standard output; readable lines on a terminal, without the fields in `ignoredOnTerminal`. */
export function createLogger(options: LoggerOptions, { ignoredOnTerminal = '' } = {}): Logger {
  const terminal = { target: 'pino-pretty', options: { ignore: ignoredOnTerminal } };
  return pino({
    timestamp: pino.stdTimeFunctions.isoTime,
    ...options,
    ...(process.stdout.isTTY && { transport: terminal }),
  });
}
