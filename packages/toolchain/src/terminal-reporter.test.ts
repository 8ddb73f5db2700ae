import { expect, test } from 'vitest';
import { terminalReporter } from './terminal-reporter.js';

function record(isTTY: boolean) {
  const stream = { isTTY, columns: 40, text: '', write: (text: string) => (stream.text += text) };
  let time = 0;
  const report = terminalReporter(stream, () => time);
  return { stream, report, advance: (ms: number) => (time += ms) };
}

test('a pipe gets one line per step, and the progress of a long one now and then', () => {
  const { stream, report, advance } = record(false);
  report({ kind: 'started', label: 'Fetching torch' });
  report({ kind: 'progress', label: 'Fetching torch', detail: '10 %' });
  advance(31_000);
  report({ kind: 'progress', label: 'Fetching torch', detail: '70 %' });
  report({ kind: 'finished', label: 'Fetching torch', seconds: 42.34 });
  report({ kind: 'failed', label: 'Unpacking', seconds: 1 });
  expect(stream.text).toBe('Fetching torch … 70 %\nFetching torch (42.3 s)\nUnpacking (failed, 1.0 s)\n');
});

test('a terminal shows the running step in one line that never wraps', () => {
  const { stream, report } = record(true);
  report({ kind: 'started', label: 'Fetching torch' });
  report({ kind: 'progress', label: 'Fetching torch', detail: 'a file name that is too long for the terminal' });
  report({ kind: 'finished', label: 'Fetching torch', seconds: 2 });
  const lines = stream.text.split('\r\x1b[2K');
  expect(lines.every((line) => line.length < 40)).toBe(true);
  expect(lines.at(-1)).toBe('Fetching torch (2.0 s)\n');
});
