import { describe, expect, test } from 'vitest';
import { findCuts, frameCountOf, type SegmentRange } from './find-cuts.js';

const RATE = 16_000;
const options = { minimumFrames: 75, targetFrames: 150, maximumFrames: 250 };

/** Gives the same noise for the same seed. */
function noise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

/** Speech-like noise (syllables of 180 ms) in the given stretches of seconds, over a quiet room. */
function recording(seconds: number, pauses: [start: number, end: number][], floor = 0.001): Int16Array {
  const random = noise(1);
  return Int16Array.from({ length: Math.round(seconds * RATE) }, (_, index) => {
    const time = index / RATE;
    const paused = pauses.some(([start, end]) => time >= start && time < end);
    const syllable = 0.55 + 0.45 * Math.sin((2 * Math.PI * time) / 0.18);
    return Math.round(32_000 * random() * (floor + (paused ? 0 : 0.4 * syllable)));
  });
}

function expectGapless(segments: SegmentRange[], samples: Int16Array): void {
  let next = 0;
  for (const { firstFrame, frameCount } of segments) {
    expect(firstFrame).toBe(next);
    expect(frameCount).toBeGreaterThanOrEqual(options.minimumFrames);
    expect(frameCount).toBeLessThanOrEqual(options.maximumFrames);
    next += frameCount;
  }
  expect(next).toBe(frameCountOf(samples.length));
}

const borders = (segments: SegmentRange[]) => segments.slice(1).map(({ firstFrame }) => firstFrame);

describe('findCuts', () => {
  test('cuts in the middle of pauses', () => {
    const samples = recording(18, [
      [6, 6.4],
      [12, 12.8],
    ]);
    const segments = findCuts(samples, options);
    expectGapless(segments, samples);
    expect(borders(segments).map((frame) => Math.round((frame / 25) * 10) / 10)).toEqual([6.2, 12.4]);
  });

  test('prefers the longer pause, and of equal pauses the one nearer to the target', () => {
    const longer = recording(14, [
      [5, 5.2],
      [7, 7.7],
    ]);
    expect(borders(findCuts(longer, options))).toEqual([Math.round(7.35 * 25)]);
    const equal = recording(14, [
      [3.5, 3.9],
      [6, 6.4],
      [9, 9.4],
    ]);
    expect(borders(findCuts(equal, options))).toEqual([155]);
  });

  test.each([0.0001, 0.003, 0.02])('finds pauses over a room noise of %d', (floor) => {
    const samples = recording(14, [[6, 6.5]], floor);
    const [border] = borders(findCuts(samples, options));
    expect(Math.abs(border! - 156)).toBeLessThanOrEqual(1);
  });

  test('a few digital zeros do not hide the pauses of a noisy room', () => {
    const samples = recording(14, [[6, 6.5]], 0.003);
    samples.fill(0, RATE, 1.9 * RATE);
    expect(borders(findCuts(samples, options)).map((frame) => Math.round(frame / 5))).toEqual([31]);
  });

  test('speech without a pause is cut at its quietest frame between target and maximum', () => {
    const samples = recording(20, []);
    const dip = 8.2 * RATE;
    for (let index = dip - 800; index < dip + 800; index += 1) samples[index] = samples[index]! / 3;
    const segments = findCuts(samples, options);
    expectGapless(segments, samples);
    expect(segments[0]!.frameCount).toBe(Math.round(8.2 * 25));
  });

  test('silence, a constant and full-scale noise are cut as well', () => {
    const random = noise(3);
    const full = Int16Array.from({ length: 40 * RATE }, () => Math.round(32_767 * random()));
    for (const samples of [new Int16Array(40 * RATE), new Int16Array(40 * RATE).fill(5000), full]) {
      expectGapless(findCuts(samples, options), samples);
    }
  });

  test('short speech is one segment, the last frame is whole, no speech gives no segment', () => {
    expect(findCuts(recording(10, []), options)).toEqual([{ firstFrame: 0, frameCount: 250 }]);
    expect(findCuts(new Int16Array(1), options)).toEqual([{ firstFrame: 0, frameCount: 1 }]);
    expect(findCuts(new Int16Array(641), options)).toEqual([{ firstFrame: 0, frameCount: 2 }]);
    expect(findCuts(new Int16Array(0), options)).toEqual([]);
  });

  test('no length leaves a remainder below the minimum', () => {
    for (let frames = 251; frames <= 700; frames += 1) {
      const samples = new Int16Array(frames * 640);
      expectGapless(findCuts(samples, options), samples);
    }
  });

  test('editing the last sentence leaves the earlier cuts alone', () => {
    const pauses = Array.from({ length: 12 }, (_, index): [number, number] => [index * 4.7 + 3, index * 4.7 + 3.35]);
    const whole = recording(60, pauses);
    const before = findCuts(whole, options);
    const edited = whole.slice();
    const random = noise(99);
    for (let index = 52 * RATE; index < edited.length; index += 1) edited[index] = Math.round(30_000 * random());
    const shortened = whole.slice(0, 57 * RATE);
    const lengthened = new Int16Array(66 * RATE);
    lengthened.set(whole);
    for (const changed of [edited, shortened, lengthened]) {
      const after = findCuts(changed, options);
      expectGapless(after, changed);
      const stable = before.filter(({ firstFrame }) => firstFrame + options.maximumFrames <= 52 * 25 - 75);
      expect(stable.length).toBeGreaterThanOrEqual(4);
      expect(after.slice(0, stable.length)).toEqual(stable);
    }
    expect(findCuts(whole, options)).toEqual(before);
  });

  test('contradictory limits are refused', () => {
    const samples = new Int16Array(RATE);
    expect(() => findCuts(samples, { minimumFrames: 10, targetFrames: 5, maximumFrames: 50 })).toThrow(RangeError);
    expect(() => findCuts(samples, { minimumFrames: 30, targetFrames: 40, maximumFrames: 50 })).toThrow(RangeError);
  });
});
