import { expect, test } from 'vitest';
import { translateFormerNames } from './former-names.js';
import { runCaptured } from './testing/run-captured.js';

test.each([
  [
    ['models', 'pull', '--json'],
    ['weights', 'pull', '--json'],
  ],
  [
    ['help', 'models'],
    ['help', 'weights'],
  ],
  [
    ['submit', '--image', 'p.jpg', '--audio', 'a.wav', 'b.wav'],
    ['submit', '--portrait', 'p.jpg', '--speech', 'a.wav', 'b.wav'],
  ],
  [
    ['demo', '--image=p.jpg', '--audio=a=b.wav'],
    ['demo', '--portrait=p.jpg', '--speech=a=b.wav'],
  ],
  [
    ['submit', '--', '--image'],
    ['submit', '--', '--image'],
  ],
  [
    ['plan', '--image', '720*400'],
    ['plan', '--image', '720*400'],
  ],
  [
    ['submit', '-p', 'models'],
    ['submit', '-p', 'models'],
  ],
  [[], []],
])('%j becomes %j', (former, today) => {
  expect(translateFormerNames(former)).toEqual(today);
});

test('former names work and are not shown', async () => {
  const { code, stderr } = await runCaptured(['demo', '--image', '/nowhere/face.jpg']);
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: expect.stringContaining('--portrait: /nowhere/face.jpg cannot be read'),
  });
  expect((await runCaptured(['models', '--help'])).stdout).toMatch(/^Usage: farm weights /);
  expect((await runCaptured(['--help'])).stdout).not.toContain('models');
  expect((await runCaptured(['submit', '--help'])).stdout).not.toMatch(/--(image|audio)\b/);
});
