import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { engineProtocolSchema } from './engine-protocol-schema.js';

const committed = new URL('../../engine/farm_engine/protocol/engine-protocol.schema.json', import.meta.url);

test('the committed schema is the one these types describe (node scripts/write-engine-schema.mjs updates it)', async () => {
  expect(JSON.parse(await readFile(committed, 'utf8'))).toEqual(JSON.parse(JSON.stringify(engineProtocolSchema())));
});

test('every type of line has a schema that refuses unknown keys', () => {
  const { commands, events } = engineProtocolSchema();
  expect(Object.keys(commands)).toEqual(['render', 'interrupt', 'shutdown']);
  expect(Object.keys(events)).toContain('piece-finished');
  for (const schema of [...Object.values(commands), ...Object.values(events)]) {
    expect(schema).toMatchObject({ type: 'object', additionalProperties: false });
  }
});
