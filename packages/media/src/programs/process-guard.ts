import { type ChildProcess, spawn } from 'node:child_process';

// Learns the ids of running processes ("+ id", "- id") and kills them when this process dies, however it dies: then the
// pipe closes. An ffmpeg that waits for a FIFO's writer would otherwise wait forever.
const GUARD_SCRIPT = `
trap '' INT HUP TERM
running=
while read -r change id; do
  kept=
  for other in $running; do [ "$other" = "$id" ] || kept="$kept $other"; done
  running=$kept
  [ "$change" = + ] && running="$running $id"
done
for id in $running; do kill -KILL "$id" 2>/dev/null; done
`;

let guard: ChildProcess | undefined;

function runningGuard(): ChildProcess {
  if (guard?.exitCode === null && guard.signalCode === null) return guard;
  guard = spawn('/bin/sh', ['-c', GUARD_SCRIPT, 'farm-media-guard'], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guard.on('error', () => undefined);
  guard.stdin?.on('error', () => undefined);
  guard.unref();
  const { stdin } = guard;
  if (stdin && 'unref' in stdin && typeof stdin.unref === 'function') stdin.unref();
  return guard;
}

/** Kills `pid` if this process dies first. Call the returned function when the guarded process has ended. */
export function guardProcess(pid: number): () => void {
  const { stdin } = runningGuard();
  stdin?.write(`+ ${pid}\n`);
  return () => stdin?.write(`- ${pid}\n`);
}
