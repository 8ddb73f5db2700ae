import type { GuardedProcess, ProcessExit } from '@farm/toolchain';
import { expect, test, vi } from 'vitest';
import { Supervisor } from './supervisor.js';

/** A process that ends when it is stopped or killed. */
function fakeProcess() {
  let end: (exit: ProcessExit) => void = () => {};
  const exited = new Promise<ProcessExit>((resolve) => {
    end = resolve;
  });
  const stop = vi.fn(async () => end({ code: 0, signal: null }));
  const process: GuardedProcess = { pid: 1, exited, stop };
  return { process, stop, kill: () => end({ code: null, signal: 'SIGKILL' }) };
}

test('a part that is being restarted while everything is stopped is stopped, too', async () => {
  const supervisor = new Supervisor({ onEnded: () => {}, onStarted: () => {} });
  const first = fakeProcess();
  const second = fakeProcess();
  let finishStart: (started: GuardedProcess) => void = () => {};
  const secondStart = new Promise<GuardedProcess>((resolve) => {
    finishStart = resolve;
  });
  const start = vi.fn<() => Promise<GuardedProcess>>();
  start.mockResolvedValueOnce(first.process).mockReturnValueOnce(secondStart);
  await supervisor.add({ name: 'redis', start });
  first.kill();
  await expect.poll(() => start.mock.calls.length).toBe(2);
  const stopped = supervisor.stop();
  finishStart(second.process);
  await stopped;
  expect(second.stop).toHaveBeenCalled();
});
