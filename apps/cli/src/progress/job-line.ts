import { hasEnded, type JobView } from '@farm/contracts';
import { formatDuration } from './duration.js';
import type { Paint } from './style.js';

const PHASE_WIDTH = 10;
const LONGEST_BAR = 24;
const SHORTEST_BAR = 8;

/** What a job does now, in a word: its phase, or its status where that says more. */
export function phaseOf(job: JobView): string {
  if (hasEnded(job.status) || job.status === 'canceling' || job.status === 'paused') return job.status;
  return job.progress.phase === 'done' ? 'finishing' : job.progress.phase;
}

/** The facts of a job's progress, the most telling first; those the farm does not know yet are left out. */
export function progressFacts(job: JobView): string[] {
  const { clipsDone, clipCount, fraction, framesPerSecond, secondsLeft } = job.progress;
  if (job.status === 'succeeded') return succeededFacts(job);
  if (job.error) return [job.error.message];
  const facts: string[] = [];
  // The clip under way is the one behind those that are done.
  if (clipCount !== null) facts.push(`clip ${Math.min(clipsDone + 1, clipCount)} of ${clipCount}`);
  if (clipCount !== null || fraction > 0) facts.push(percent(fraction));
  const isRendering = job.progress.phase === 'rendering' && job.status === 'running';
  if (isRendering && framesPerSecond !== null) facts.push(`${framesPerSecond.toFixed(1)} frames/s`);
  if (isRendering && secondsLeft !== null) facts.push(`${formatDuration(secondsLeft)} left`);
  return facts;
}

function succeededFacts({ startedAt, endedAt, progress }: JobView): string[] {
  const facts = [];
  if (progress.frameCount !== null) facts.push(`${progress.frameCount} frames`);
  if (startedAt && endedAt) facts.push(`in ${formatDuration((Date.parse(endedAt) - Date.parse(startedAt)) / 1000)}`);
  return facts;
}

export function percent(fraction: number): string {
  // 100 % is said when it is done, not when it rounds to it.
  return `${Math.min(Math.floor(fraction * 100), 100)} %`;
}

export function progressBar(fraction: number, width: number, paint: Paint): string {
  const full = Math.max(0, Math.min(width, Math.round(fraction * width)));
  return paint('cyan', '━'.repeat(full)) + paint('dim', '─'.repeat(width - full));
}

export interface JobLineOptions {
  /** Characters that the line may take. */
  readonly columns: number;
  readonly paint: Paint;
  /** What the person calls the job; left out where there is only one. */
  readonly label?: string | undefined;
  readonly labelWidth?: number;
}

/** One line of a job for a terminal: label, phase, bar and as many facts as fit. */
export function jobLine(job: JobView, { columns, paint, label, labelWidth = 0 }: JobLineOptions): string {
  const head = label === undefined ? '' : `${fit(label, labelWidth).padEnd(labelWidth)}  `;
  const phase = phaseOf(job);
  let room = columns - head.length - Math.max(PHASE_WIDTH, phase.length) - 2;
  const facts: string[] = [];
  for (const fact of progressFacts(job)) {
    const shown = facts.length === 0 ? fit(fact, room) : fact;
    if (shown.length + 2 > room) break;
    facts.push(shown);
    room -= shown.length + 2;
  }
  const bar = hasEnded(job.status) ? '' : barFor(job, room, paint);
  const painted = paint(colourOf(job), phase.padEnd(PHASE_WIDTH));
  return [`${head}${painted}`, bar, ...facts].filter((part) => part !== '').join('  ');
}

function barFor(job: JobView, room: number, paint: Paint): string {
  const width = Math.min(LONGEST_BAR, room);
  return width < SHORTEST_BAR ? '' : progressBar(job.progress.fraction, width, paint);
}

function colourOf(job: JobView): 'green' | 'red' | 'yellow' | 'bold' {
  if (job.status === 'succeeded') return 'green';
  if (job.status === 'failed') return 'red';
  if (job.status === 'canceled' || job.status === 'canceling' || job.status === 'paused') return 'yellow';
  return 'bold';
}

/** Shortened in the middle, where file names differ least. */
export function fit(text: string, width: number): string {
  if (text.length <= width) return text;
  if (width < 2) return text.slice(0, Math.max(0, width));
  const tail = Math.floor((width - 1) / 2);
  return `${text.slice(0, width - 1 - tail)}…${text.slice(text.length - tail)}`;
}
