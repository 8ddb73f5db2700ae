import type { PieceRecord } from '@farm/records';
import { expect, it } from 'vitest';
import { mixedVersionsWarning } from './engine-versions.js';

const segment = (...versions: (string | undefined)[]) => ({
  pieces: versions.map((engineVersion) => ({ ...(engineVersion && { engineVersion }) }) as PieceRecord),
});

it('says which segments are of which version, also when one segment is of two', () => {
  const segments = ['1.0', '1.0', '1.0', '1.1', '1.0'].map((version) => segment(version));
  expect(mixedVersionsWarning([...segments, segment('1.0', '1.1')])).toMatchObject({
    code: 'engine-versions-mixed',
    message: expect.stringContaining('segments 1 to 3, 5 to 6 by 1.0, segments 4, 6 by 1.1'),
  });
});

it('says nothing of one version, nor of pieces whose version nobody noted', () => {
  expect(mixedVersionsWarning([segment('1.0', '1.0'), segment(undefined)])).toBeUndefined();
});
