import { expect, it } from 'vitest';
import { EngineOutput } from './engine-output.js';

it('keeps the end of what was printed, and no more of it in memory', () => {
  const output = new EngineOutput();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 300_000; i += 1) output.add(`${i} ${Buffer.alloc(1000, 'x').toString()}`);
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(150e6);
  output.add('the last words');
  output.add('');
  expect(String(output).length).toBeLessThanOrEqual(64 * 1024);
  expect(output.lastLine).toBe('the last words');
});
