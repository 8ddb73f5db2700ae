import { describe, expect, it } from 'vitest';
import { readConfiguration } from './configuration.js';
import { vramClassOf } from './probe-gpu.js';

const enough = { FARM_STORAGE_DIRECTORY: '/data', FARM_SIGNING_SECRET: '0123456789abcdef' };

describe('readConfiguration', () => {
  it('fills in the defaults', () => {
    expect(readConfiguration(enough)).toMatchObject({ engine: 'draft', vramClass: undefined, logLevel: 'info' });
  });

  it('names the variable that is wrong, and the one that is missing', () => {
    expect(() => readConfiguration({ ...enough, FARM_ENGINE: 'blender' })).toThrow(/FARM_ENGINE/);
    expect(() => readConfiguration({ ...enough, FARM_WORKER_ID: 'a b' })).toThrow(/FARM_WORKER_ID/);
    expect(() => readConfiguration({ FARM_STORAGE: 's3' })).toThrow(/S3_ENDPOINT/);
  });
});

describe('vramClassOf', () => {
  it.each([
    [81_559, '80g'],
    [143_771, '80g'],
    [46_068, '48g'],
    [24_564, '24g'],
    [23_028, '24g'],
    [16_384, '16g'],
    [15_360, '16g'],
    [12_288, undefined],
  ])('counts a card that reports %i MiB as %s', (memoryMiB, vramClass) => {
    expect(vramClassOf(memoryMiB)).toBe(vramClass);
  });
});
