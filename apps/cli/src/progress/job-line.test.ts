import { stripVTControlCharacters } from 'node:util';
import { sampleJob } from '@farm/client/testing';
import type { JobView } from '@farm/contracts';
import { expect, test } from 'vitest';
import { painter, wantsColour } from '../output/style.js';
import { createProgressView } from './create-progress-view.js';
import { formatDuration } from './duration.js';
import { fit, jobLine } from './job-line.js';

const plain = painter(false);

test('one job at 80 columns: phase, bar, clip, percent, frames per second, time left', () => {
  expect(jobLine(sampleJob(), { columns: 79, paint: plain })).toBe(
    'rendering   ━━━━━━━━━──────────  clip  6 of 12   45 %  31.2 frames/s  0:11 left',
  );
});

test('on a wide terminal the bar does not grow without limit', () => {
  const line = jobLine(sampleJob(), { columns: 119, paint: plain });
  expect(line).toContain('━━━━━━━━━━━─────────────  clip  6 of 12');
});

test.each([30, 40, 60, 79, 119])('no line is wider than the terminal (%i columns)', (columns) => {
  const failed = sampleJob({ status: 'failed', error: { code: 'x', message: 'The engine broke. '.repeat(20) } });
  for (const job of [sampleJob(), failed, sampleJob({ status: 'succeeded' })]) {
    for (const label of [undefined, 'lesson-number-one.wav']) {
      expect(jobLine(job, { columns, paint: plain, label, labelWidth: 10 }).length).toBeLessThanOrEqual(columns);
    }
  }
});

test('labels leave room for the time left; frames per second are dropped first', () => {
  const line = jobLine(sampleJob(), { columns: 79, paint: plain, label: 'lesson-01.wav', labelWidth: 13 });
  expect(line).toContain('0:11 left');
  expect(line).not.toContain('frames/s');
});

test('what is not known yet is not shown', () => {
  const unknown = { frameCount: null, clipCount: null, framesPerSecond: null, secondsLeft: null };
  const progress = { ...sampleJob().progress, ...unknown, phase: 'preparing', fraction: 0 } as JobView['progress'];
  const line = jobLine(sampleJob({ status: 'preparing', progress }), { columns: 79, paint: plain });
  expect(line).toBe('preparing   ────────────────────────');
});

test('100 % is shown when it is done, not before', () => {
  const progress = { ...sampleJob().progress, fraction: 0.9999 };
  expect(jobLine(sampleJob({ progress }), { columns: 79, paint: plain })).toContain(' 99 %');
});

test('durations and shortened names', () => {
  expect([0.2, 59.1, 61, 3762].map(formatDuration)).toEqual(['0:01', '1:00', '1:01', '1:02:42']);
  expect(fit('lesson-number-one.wav', 12)).toBe('lesson…e.wav');
});

test('colour is for terminals; NO_COLOR turns it off, FORCE_COLOR on', () => {
  expect(wantsColour({ isTTY: true }, {})).toBe(true);
  expect(wantsColour({ isTTY: true }, { NO_COLOR: '1' })).toBe(false);
  expect(wantsColour({ isTTY: false }, {})).toBe(false);
  expect(wantsColour({ isTTY: false }, { FORCE_COLOR: '1' })).toBe(true);
  expect(wantsColour({ isTTY: true }, { TERM: 'dumb' })).toBe(false);
});

function screen(isTTY: boolean) {
  let text = '';
  const write = (more: string) => {
    text += more;
    return true;
  };
  return { stream: { write, isTTY, columns: 80 }, text: () => text };
}

test('on a pipe: a line for each phase and clip, none where nothing changed', () => {
  const { stream, text } = screen(false);
  const view = createProgressView({ stream, environment: {} });
  view.update('a', sampleJob());
  view.update('a', sampleJob({ progress: { ...sampleJob().progress, fraction: 0.47 } }));
  view.update('a', sampleJob({ progress: { ...sampleJob().progress, fraction: 0.5, clipsDone: 6 } }));
  view.update('a', sampleJob({ status: 'succeeded', endedAt: '2026-01-05T08:00:21.000Z' }));
  expect(text().split('\n')).toEqual([
    'rendering  clip  6 of 12   45 %  31.2 frames/s  0:11 left',
    'rendering  clip  7 of 12   50 %  31.2 frames/s  0:11 left',
    'succeeded  576 frames  in 0:20',
    '',
  ]);
});

test('several on a terminal: ended ones stay, running ones are repainted, one line counts them', () => {
  const { stream, text } = screen(true);
  const view = createProgressView({ stream, environment: { NO_COLOR: '1' }, jobCount: 4 });
  view.settle('c.wav', 'refused');
  view.settle('d.wav', 'skipped');
  view.update('a.wav', sampleJob());
  view.update('b.wav', sampleJob({ status: 'succeeded', endedAt: '2026-01-05T08:00:21.000Z' }));
  view.close();
  const shown = stripVTControlCharacters(text());
  expect(shown).toContain('c.wav  refused\n');
  expect(shown).toContain('b.wav  succeeded   576 frames  in 0:20\n');
  expect(shown.trimEnd().split('\n').at(-1)).toMatch(/^━+─+ {2}2 of 4 done, 1 failed, 1 running$/);
});
