import { expect, it } from 'vitest';
import { checkSchema, RECORD_SCHEMA, RecordSchemaError } from './record-schema.js';

it.each([2, RECORD_SCHEMA])('accepts schema %i', (schema) => {
  expect(() => checkSchema('task', { id: 'a', schema: String(schema) })).not.toThrow();
});

it.each([1, RECORD_SCHEMA + 1])('refuses schema %i, and says what to do', (schema) => {
  const check = () => checkSchema('task', { id: 'a', schema: String(schema) });
  expect(check).toThrow(RecordSchemaError);
  expect(check).toThrow(`The task a was written with record schema ${schema}, and this program reads 2 and 3. Upgrade`);
});
