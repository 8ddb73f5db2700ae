import { errorCodes, JobSpec } from '@farm/contracts';
import { expect, it } from 'vitest';
import { readSpec } from './read-spec.js';

const wrong = Symbol('no field has this type');

it.each(Object.keys(JobSpec.shape))('a wrong %s has a code of its own', (field) => {
  const kebab = field.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const refused = expect.objectContaining({ name: 'InvalidSpecError', code: `invalid-${kebab}`, status: 422 });
  expect(Object.keys(errorCodes)).toContain(`invalid-${kebab}`);
  expect(() => readSpec({ prompt: 'A person speaks.', [field]: wrong })).toThrow(refused);
});

it('a spec that is not an object is an invalid spec', () => {
  expect(() => readSpec([])).toThrow(expect.objectContaining({ code: 'invalid-spec' }));
});
