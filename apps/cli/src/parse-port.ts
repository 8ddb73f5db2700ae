import { InvalidOptionError } from './errors.js';

/** The value of `--port`. @throws InvalidOptionError */
export function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new InvalidOptionError('--port', { value: text, expected: 'a number from 1 to 65535, or 0 for any free port' });
}
