import { expect, it } from 'vitest';
import { warmKeyOf } from './warm-key.js';

const spec = { engine: 'liveavatar', width: 704, height: 384, precision: 'auto' } as const;

it('is the same for auto and for bf16, in which engines compute auto, and another one for every other precision', () => {
  expect(warmKeyOf({ spec })).toBe(warmKeyOf({ spec: { ...spec, precision: 'bf16' } }));
  expect(warmKeyOf({ spec })).not.toBe(warmKeyOf({ spec: { ...spec, precision: 'fp8' } }));
});
