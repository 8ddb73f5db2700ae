import { readFileSync } from 'node:fs';

/**
 * How many processes the kernel has ended for want of memory: in this process's control group, whose limit an engine
 * shares, else on the whole machine. Undefined where the kernel does not say.
 */
export function countMemoryKills(
  read: (path: string) => string = (path) => readFileSync(path, 'utf8'),
): number | undefined {
  for (const path of [...controlGroupFiles(read), '/proc/vmstat']) {
    const count = /^oom_kill (\d+)$/m.exec(textOf(path, read))?.[1];
    if (count !== undefined) return Number(count);
  }
  return undefined;
}

/** `memory.events` of a version 2 group, `memory.oom_control` of version 1; in a container the group is the mount's root. */
function controlGroupFiles(read: (path: string) => string): string[] {
  const lines = textOf('/proc/self/cgroup', read).split('\n');
  return lines.flatMap((line) => {
    const [hierarchy, controllers, group] = line.split(':');
    if (group === undefined) return [];
    if (hierarchy === '0') return [`/sys/fs/cgroup${group}/memory.events`, '/sys/fs/cgroup/memory.events'];
    if (!controllers?.split(',').includes('memory')) return [];
    return [`/sys/fs/cgroup/memory${group}/memory.oom_control`, '/sys/fs/cgroup/memory/memory.oom_control'];
  });
}

function textOf(path: string, read: (path: string) => string): string {
  try {
    return read(path);
  } catch {
    return '';
  }
}
