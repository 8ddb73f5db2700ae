import { expect, it } from 'vitest';
import { readConfiguration } from './configuration.js';

const required = {
  REDIS_URL: 'redis://localhost',
  FARM_STORAGE_DIRECTORY: '/farm',
  FARM_SIGNING_SECRET: 'x'.repeat(32),
};
const maximumPortraitBytes = (variables: NodeJS.ProcessEnv) =>
  readConfiguration({ ...required, ...variables }).limits.maximumPortraitBytes;

it('reads the largest portrait from FARM_MAX_PORTRAIT_BYTES, or from its former name', () => {
  expect(maximumPortraitBytes({})).toBe(50_000_000);
  expect(maximumPortraitBytes({ FARM_MAX_PORTRAIT_BYTES: '7' })).toBe(7);
  expect(maximumPortraitBytes({ FARM_MAX_IMAGE_BYTES: '8' })).toBe(8);
  expect(maximumPortraitBytes({ FARM_MAX_PORTRAIT_BYTES: '7', FARM_MAX_IMAGE_BYTES: '8' })).toBe(7);
});

it.each(['FARM_MAX_PORTRAIT_BYTES', 'FARM_MAX_IMAGE_BYTES'])('names %s when it is wrong', (name) => {
  expect(() => maximumPortraitBytes({ [name]: '-1' })).toThrow(name);
});
