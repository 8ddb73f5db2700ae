import { describe, expect, it } from 'vitest';
import { areaOf, outputSize } from './output-size.js';

describe('outputSize', () => {
  it.each([
    ['720x400', '704*384', '704x384'],
    ['400x720', '704*384', '384x704'],
    ['720x400', '688*368', '640x384'],
    ['720x400', '384*256', '384x256'],
    ['1000x1000', '384*256', '256x256'],
    ['1000x1000', '704*384', '512x512'],
    ['512x768', '384*256', '256x384'],
    ['1920x1080', '720*400', '704x384'],
    ['3000x2000', '1920*1088', '1728x1152'],
    ['64x6400', '704*384', '64x4224'],
    ['100x100', '64*64', '64x64'],
  ])('a %s portrait under %s gives %s', (portrait, size, expected) => {
    const [width = 0, height = 0] = portrait.split('x').map(Number);
    const video = outputSize({ width, height }, size);
    expect(`${video.width}x${video.height}`).toBe(expected);
  });

  it('keeps to multiples of 64 within the cap for every shape', () => {
    for (const size of ['64*64', '100*90', '384*256', '688*368', '704*384', '1920*1088']) {
      for (let aspect = 0.1; aspect < 10; aspect *= 1.07) {
        const video = outputSize({ width: 1000 * aspect, height: 1000 }, size);
        expect([video.width % 64, video.height % 64]).toEqual([0, 0]);
        expect(video.width * video.height).toBeLessThanOrEqual(areaOf(size));
      }
    }
  });
});
