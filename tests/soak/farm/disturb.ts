import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessFault, Step } from '../proxies/fault-board.js';

/** Longer than a lease, so that a worker that is frozen this long has lost its attempts. */
const FREEZE_MS = 13_000;

/** How long to wait for an encoder or an engine, which come and go. */
const APPEAR_MS = 2000;

/** Kills or freezes a process of the farm; of the workers the one whose step it is. @returns whether there was one */
export async function disturb(
  processes: () => Record<string, number>,
  fault: ProcessFault,
  step: Step,
): Promise<boolean> {
  const deadline = performance.now() + APPEAR_MS;
  let pid = await pidOf(processes(), fault.part, step);
  while (pid === undefined && performance.now() < deadline) {
    await sleep(10);
    pid = await pidOf(processes(), fault.part, step);
  }
  if (pid === undefined) return false;
  if (fault.kind === 'kill') return signal(pid, 'SIGKILL');
  const isFrozen = signal(pid, 'SIGSTOP');
  await sleep(FREEZE_MS);
  signal(pid, 'SIGCONT');
  return isFrozen;
}

async function pidOf(
  processes: Record<string, number>,
  part: ProcessFault['part'],
  step: Step,
): Promise<number | undefined> {
  if (part === 'api' || part === 'scheduler' || part === 'redis') return processes[part];
  const worker = workerPid(processes, step);
  if (worker === undefined || part === 'worker') return worker;
  return childWith(worker, part === 'engine' ? 'farm_engine' : 'ffmpeg');
}

/** A worker's id ends with its process id unless it was named. */
function workerPid(processes: Record<string, number>, { workerId }: Step): number | undefined {
  const workers = Object.entries(processes).filter(([name]) => name.startsWith('worker'));
  const own = workers.find(([, pid]) => workerId?.endsWith(`-${pid}`));
  return (own ?? workers[0])?.[1];
}

async function childWith(pid: number, word: string): Promise<number | undefined> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  for (const child of children.trim().split(' ').map(Number)) {
    const commandLine = await readFile(`/proc/${child}/cmdline`, 'utf8').catch(() => '');
    if (commandLine.includes(word)) return child;
  }
  return undefined;
}

/** False when the process has ended by itself. */
function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
