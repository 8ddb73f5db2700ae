import { describe, expect, it } from 'vitest';
import { countMemoryKills } from './memory-kills.js';

const reader = (files: Record<string, string>) => (path: string) => {
  const text = files[path];
  if (text === undefined) throw new Error(`ENOENT: ${path}`);
  return text;
};
const events = 'low 0\nhigh 0\nmax 812\noom 4\noom_kill 3\noom_group_kill 0\n';
const vmstat = 'pgmajfault 77\noom_kill 9\nnumamigrate 1\n';

describe('countMemoryKills', () => {
  it.each([
    [
      'its own group, version 2',
      { '/proc/self/cgroup': '0::/farm/worker\n', '/sys/fs/cgroup/farm/worker/memory.events': events },
      3,
    ],
    ['the root of a container', { '/proc/self/cgroup': '0::/docker/abc\n', '/sys/fs/cgroup/memory.events': events }, 3],
    [
      'its own group, version 1',
      {
        '/proc/self/cgroup': '5:devices:/\n4:memory:/farm\n0::/\n',
        '/sys/fs/cgroup/memory/farm/memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 6\n',
      },
      6,
    ],
    ['the whole machine, without a group', { '/proc/self/cgroup': '0::/\n', '/proc/vmstat': vmstat }, 9],
    ['the whole machine, without control groups', { '/proc/vmstat': vmstat }, 9],
    ['nothing', {}, undefined],
    [
      'files that say something else',
      { '/proc/self/cgroup': 'nonsense', '/proc/vmstat': 'oom_kill many\n' },
      undefined,
    ],
  ])('reads %s', (_name, files, expected) => {
    expect(countMemoryKills(reader(files))).toBe(expected);
  });

  it('reads this machine without failing', () => {
    expect(countMemoryKills() ?? 0).toBeGreaterThanOrEqual(0);
  });
});
