import { expect, test } from 'vitest';
import { onFreePort } from './free-port.js';
import { ServerEndedError } from './server-errors.js';

const failure = (log: string) => new ServerEndedError('a server', log);

test.each(['bind: Address already in use', 'Specified port is already in use'])(
  'another port is tried after "%s"',
  async (log) => {
    const tried: number[] = [];
    const start = async (port: number) => {
      tried.push(port);
      if (tried.length < 3) throw failure(log);
      return port;
    };
    expect(await onFreePort(start)).toBe(tried[2]);
    expect(tried).toHaveLength(3);
  },
);

test('a server that fails for another reason is not started again, and no server is started forever', async () => {
  let starts = 0;
  const failing = (log: string) => async () => {
    starts += 1;
    throw failure(log);
  };
  await expect(onFreePort(failing('no space left on device'))).rejects.toThrow('no space left');
  expect(starts).toBe(1);
  await expect(onFreePort(failing('Address already in use'))).rejects.toThrow('already in use');
  expect(starts).toBe(1 + 5);
});
