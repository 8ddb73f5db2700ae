// Runs between a worker and its engine: passes every line on, and records when a render began, when it finished and what
// followed each piece, with what the kernel then knew about the engine's main thread. Linux only.
import { spawn } from 'node:child_process';
import { appendFileSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const [tapFile, python, ...args] = process.argv.slice(2);
const engine = spawn(python, args, { stdio: ['pipe', 'pipe', 'inherit'] });

/** Long enough for an engine to open the next FIFO and draw some frames, but shorter than a piece. */
const BORDER_MS = 100;
const READING_MS = 1;

/**
 * `ranMs`: how long the main thread ran. `queuedMs`: how long it was ready to run while something else did. Both since it
 * began, with the time of the reading; a reading that was itself delayed is repeated.
 */
function threadTimes() {
  for (;;) {
    const clockMs = performance.now();
    const schedstat = readFileSync(`/proc/${engine.pid}/task/${engine.pid}/schedstat`, 'utf8');
    if (performance.now() - clockMs > READING_MS) continue;
    const [ran, queued] = schedstat.split(' ').map(Number);
    return { clockMs, ranMs: ran / 1e6, queuedMs: queued / 1e6 };
  }
}

function note(type, { renderId, index, pieces }) {
  const entry = { type, renderId, index, pieceCount: pieces?.length, atMs: Date.now(), ...threadTimes() };
  appendFileSync(tapFile, `${JSON.stringify(entry)}\n`);
}

function watch(line) {
  const message = JSON.parse(line);
  if (!['render', 'piece-finished', 'finished'].includes(message.type)) return;
  note(message.type, message);
  if (message.type === 'piece-finished') setTimeout(() => note('border-passed', message), BORDER_MS);
}

const lines = (input) => createInterface({ input });
lines(process.stdin)
  .on('line', (line) => {
    watch(line);
    engine.stdin.write(`${line}\n`);
  })
  .on('close', () => engine.stdin.end());
lines(engine.stdout).on('line', (line) => {
  watch(line);
  process.stdout.write(`${line}\n`);
});
engine.stdin.on('error', () => {});
engine.on('close', (code) => process.exit(code ?? 1));
