import { describe, expect, it } from 'vitest';
import { liveAvatarProfile, predictPeakGB, type RenderNeed } from './memory-profile.js';
import { placeRender } from './place-render.js';

const video = (width: number, height: number) => ({ width, height });
const bf16 = { precision: 'bf16', steps: 4 } as const;
const fp8 = { precision: 'fp8', steps: 4 } as const;

const place = (need: RenderNeed, cpuWorkerRunsModel = false) =>
  placeRender(liveAvatarProfile, { ...need, engine: 'liveavatar', cpuWorkerRunsModel });

describe('placeRender', () => {
  it('reproduces the measured peaks', () => {
    expect(predictPeakGB(liveAvatarProfile, { video: video(704, 384), settings: bf16 })).toBeCloseTo(81.0, 5);
    expect(predictPeakGB(liveAvatarProfile, { video: video(384, 256), settings: fp8 })).toBeCloseTo(35.3, 5);
  });

  it.each([
    [704, 384, 'bf16', '80g'],
    [384, 256, 'bf16', '80g'],
    [384, 256, 'fp8', '48g'],
    [704, 384, 'fp8', '80g'],
  ] as const)('%dx%d in %s goes to %s', (width, height, precision, vramClass) => {
    const placement = place({ video: video(width, height), settings: { precision, steps: 4 } });
    expect(placement).toMatchObject({ fits: true, vramClass });
  });

  it('refuses what the model cannot accept and says what would fit', () => {
    const placement = place({ video: video(1920, 1088), settings: bf16 });
    expect(placement).toMatchObject({ fits: false, reason: expect.stringContaining('8160 tokens') });
    expect(!placement.fits && placement.suggestions).toContain('engine draft');
  });

  it('counts one more ring for each further step', () => {
    const settings = { ...bf16, steps: 6 };
    expect(place({ video: video(384, 256), settings })).toMatchObject({ vramClass: '80g' });
    expect(place({ video: video(704, 384), settings })).toMatchObject({
      fits: false,
      reason: expect.stringContaining('101.8 GB'),
    });
  });

  it('needs no GPU for drafts and for the test configuration of the model', () => {
    const draft = { engine: 'draft', video: video(1920, 1088), settings: bf16, cpuWorkerRunsModel: false } as const;
    expect(placeRender(liveAvatarProfile, draft)).toMatchObject({ fits: true, vramClass: 'cpu' });
    expect(place({ video: video(704, 384), settings: bf16 }, true)).toMatchObject({ fits: true, vramClass: 'cpu' });
  });
});
