import { describe, expect, it } from 'vitest';
import { liveAvatarProfile, predictPeakGB } from './memory-profile.js';
import { placeRender } from './place-render.js';

const place = (width: number, height: number, precision: 'bf16' | 'fp8' = 'bf16', cpuWorkerRunsModel = false) =>
  placeRender(liveAvatarProfile, {
    engine: 'liveavatar',
    video: { width, height },
    precision,
    steps: 4,
    cpuWorkerRunsModel,
  });

describe('placeRender', () => {
  it('repeats the measured peaks', () => {
    expect(
      predictPeakGB(liveAvatarProfile, { video: { width: 704, height: 384 }, precision: 'bf16', steps: 4 }),
    ).toBeCloseTo(81.0, 5);
    expect(
      predictPeakGB(liveAvatarProfile, { video: { width: 384, height: 256 }, precision: 'fp8', steps: 4 }),
    ).toBeCloseTo(35.3, 5);
  });

  it.each([
    [704, 384, 'bf16', '80g'],
    [384, 256, 'bf16', '80g'],
    [384, 256, 'fp8', '48g'],
    [704, 384, 'fp8', '80g'],
  ] as const)('%dx%d in %s goes to %s', (width, height, precision, vramClass) => {
    expect(place(width, height, precision)).toMatchObject({ fits: true, vramClass });
  });

  it('refuses what the model cannot take and says what would fit', () => {
    const placement = place(1920, 1088);
    expect(placement).toMatchObject({ fits: false, reason: expect.stringContaining('8160 tokens') });
    expect(!placement.fits && placement.suggestions).toContain('engine draft');
  });

  it('counts a ring more for each further step', () => {
    const need = { engine: 'liveavatar', precision: 'bf16', steps: 6, cpuWorkerRunsModel: false } as const;
    expect(placeRender(liveAvatarProfile, { ...need, video: { width: 384, height: 256 } })).toMatchObject({
      vramClass: '80g',
    });
    expect(placeRender(liveAvatarProfile, { ...need, video: { width: 704, height: 384 } })).toMatchObject({
      fits: false,
      reason: expect.stringContaining('101.8 GB'),
    });
  });

  it('needs no GPU for drafts and for the test configuration of the model', () => {
    const video = { width: 1920, height: 1088 };
    const draft = { engine: 'draft', video, precision: 'bf16', steps: 4, cpuWorkerRunsModel: false } as const;
    expect(placeRender(liveAvatarProfile, draft)).toMatchObject({ fits: true, vramClass: 'cpu' });
    expect(place(704, 384, 'bf16', true)).toMatchObject({ fits: true, vramClass: 'cpu' });
  });
});
