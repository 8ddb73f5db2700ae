import { expect, it } from 'vitest';
import { z } from 'zod';
import { ConfigurationError } from './configuration-error.js';
import { parseEnvironment } from './parse-environment.js';

const Settings = z.object({ REDIS_URL: z.string(), FARM_PORT: z.coerce.number().int() });

it('names the process and every variable that is missing or wrong, and shows no value', () => {
  const parse = () => parseEnvironment('scheduler', Settings, { FARM_PORT: 'secret' });
  expect(parse).toThrow(ConfigurationError);
  expect(parse).toThrow(/^The scheduler cannot start with these settings\. REDIS_URL: .*; FARM_PORT: /);
  expect(parse).not.toThrow(/secret/);
});

it('returns the settings that fit', () => {
  expect(parseEnvironment('API', Settings, { REDIS_URL: 'x', FARM_PORT: '1' })).toEqual({
    REDIS_URL: 'x',
    FARM_PORT: 1,
  });
});
