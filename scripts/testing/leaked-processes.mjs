import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

const GRACE_MS = 3000;

/** Every process that carries `marker` in its environment, however far it has detached itself. Linux only. */
async function findMarked(marker) {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  const found = [];
  for (const pid of pids) {
    if (Number(pid) === process.pid) continue;
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    if (!environment.split('\0').includes(marker)) continue;
    const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    found.push({ pid: Number(pid), command: words.replaceAll('\0', ' ').trim().slice(0, 150) });
  }
  return found;
}

/** Names and ends the processes that a test run left running. @returns their number */
export async function endLeakedProcesses(marker) {
  const deadline = Date.now() + GRACE_MS;
  let leaked = await findMarked(marker);
  while (leaked.length > 0 && Date.now() < deadline) {
    await sleep(100);
    leaked = await findMarked(marker);
  }
  for (const { pid, command } of leaked) {
    process.stderr.write(`The tests left process ${pid} running: ${command}\n`);
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself meanwhile.
    }
  }
  return leaked.length;
}
