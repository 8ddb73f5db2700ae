import { expect, it } from 'vitest';
import { useTestRecords } from '../testing.js';
import { Script } from './script.js';

const { redis } = await useTestRecords();

it('binds arguments and rows to locals by their names, in whatever order they are given', async () => {
  const script = new Script({
    name: 'test',
    arguments: { workerId: 'text', leaseMs: 'number', dueAt: 'optional number' },
    list: { name: 'newPieces', columns: ['firstFrame', 'key'] },
    body: `
local rows = {}
for i, row in ipairs(new_pieces) do rows[i] = row.first_frame .. row.key end
return {worker_id, type(lease_ms), lease_ms, type(due_at), rows}`,
  });
  const rows = [
    { key: 'a', firstFrame: 0 },
    { firstFrame: 48, key: 'b' },
  ];
  const expected = ['w1', 'number', 10, 'nil', ['0a', '48b']];
  expect(await script.run(redis, { dueAt: undefined, leaseMs: 10, workerId: 'w1' }, rows)).toEqual(expected);
  expect(await script.run(redis, { workerId: 'w1', leaseMs: 10, dueAt: 7 })).toEqual([
    'w1',
    'number',
    10,
    'number',
    [],
  ]);
});

it('sends its source again when Redis has forgotten it', async () => {
  const script = new Script({ name: 'test', arguments: {}, body: 'return P' });
  expect(await script.run(redis, {})).toBe('{farm}:');
  await redis.script('FLUSH');
  expect(await script.run(redis, {})).toBe('{farm}:');
});
