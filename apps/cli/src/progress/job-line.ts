import { hasEnded, type JobView } from '@farm/contracts';
import type { Paint } from '../output/style.js';
import { formatDuration } from './duration.js';

const PHASE_WIDTH = 10;
const GAP = '  ';
const LONGEST_BAR = 24;
const SHORTEST_BAR = 8;

/** What a job is doing, in one word: its phase, or its status where that says more. */
export function phaseOf(job: JobView): string {
  if (hasEnded(job.status) || job.status === 'canceling' || job.status === 'paused') return job.status;
  return job.progress.phase === 'done' ? 'finishing' : job.progress.phase;
}

/** The facts of a job's progress, the most important first; those the farm does not know yet are left out. */
export function progressFacts(job: JobView): string[] {
  const { clipsDone, clipCount, fraction, framesPerSecond, secondsLeft } = job.progress;
  if (job.status === 'succeeded') return succeededFacts(job);
  if (job.error) return [job.error.message];
  const facts: string[] = [];
  // The current clip is the one after those that are done.
  if (clipCount !== null) facts.push(clipFact(Math.min(clipsDone + 1, clipCount), clipCount));
  if (clipCount !== null || fraction > 0) facts.push(percent(fraction).padStart(5));
  const isRendering = job.progress.phase === 'rendering' && job.status === 'running';
  if (isRendering && framesPerSecond !== null) facts.push(`${framesPerSecond.toFixed(1)} frames/s`);
  if (isRendering && secondsLeft !== null) facts.push(`${formatDuration(secondsLeft)} left`);
  return facts;
}

/** As wide for the first clip as for the last, so that the columns stay in place. */
function clipFact(clip: number, count: number): string {
  return `clip ${String(clip).padStart(String(count).length)} of ${count}`;
}

function succeededFacts({ startedAt, endedAt, progress }: JobView): string[] {
  const facts = [];
  if (progress.frameCount !== null) facts.push(`${progress.frameCount} frames`);
  if (startedAt && endedAt) facts.push(`in ${formatDuration((Date.parse(endedAt) - Date.parse(startedAt)) / 1000)}`);
  return facts;
}

export function percent(fraction: number): string {
  // 100 % means done, not nearly done.
  return `${Math.min(Math.floor(fraction * 100), 100)} %`;
}

export function progressBar(fraction: number, width: number, paint: Paint): string {
  const full = Math.max(0, Math.min(width, Math.round(fraction * width)));
  return paint('cyan', '━'.repeat(full)) + paint('dim', '─'.repeat(width - full));
}

export interface JobLineOptions {
  /** How many characters the line may have. */
  readonly columns: number;
  readonly paint: Paint;
  /** The name of the recording; left out where there is only one. */
  readonly label?: string | undefined;
  readonly labelWidth?: number;
}

/** One line of a job for a terminal: label, phase, bar and as many facts as fit. */
export function jobLine(job: JobView, { columns, paint, label, labelWidth = 0 }: JobLineOptions): string {
  const head = label === undefined ? '' : `${fit(label, labelWidth).padEnd(labelWidth)}  `;
  const phase = phaseOf(job).padEnd(PHASE_WIDTH);
  const barRoom = hasEnded(job.status) ? 0 : SHORTEST_BAR + GAP.length;
  let room = columns - head.length - phase.length - barRoom;
  const facts = progressFacts(job);
  const widthOf = (texts: readonly string[]) => texts.reduce((sum, text) => sum + GAP.length + text.length, 0);
  // Frames per second is what a person misses least.
  while (facts.length > 1 && widthOf(facts) > room) facts.splice(facts.length > 3 ? 2 : -1, 1);
  if (facts.length === 1) facts[0] = fit(facts[0] ?? '', room - GAP.length);
  room -= widthOf(facts);
  const barWidth = Math.min(LONGEST_BAR, SHORTEST_BAR + room);
  const bar = barRoom === 0 || room < 0 ? [] : [progressBar(job.progress.fraction, barWidth, paint)];
  return [head + paint(colourOf(job), phase), ...bar, ...facts].join(GAP);
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
