import { hasEnded, type JobView } from '@farm/contracts';
import { createLogUpdate } from 'log-update';
import type { OutputStream } from '../output/output.js';
import { type Paint, painter } from '../output/style.js';
import { jobLine, progressBar } from './job-line.js';
import type { ProgressView } from './progress-view.js';

const WIDEST_LABEL = 32;
/** Running jobs shown by name: a hundred of them must not scroll the screen. */
const MOST_ROWS = 8;
const DEFAULT_COLUMNS = 80;

export interface TerminalProgressOptions {
  readonly stream: OutputStream;
  readonly colour: boolean;
  readonly jobCount: number;
}

/** Repaints a few lines: one for the only job, or one per running job and a line that counts all. */
export function terminalProgress({ stream, colour, jobCount }: TerminalProgressOptions): ProgressView {
  const jobs = new Map<string, JobView>();
  const settled = { skipped: 0, refused: 0 };
  const paint = painter(colour);
  const screen = createLogUpdate(stream as NodeJS.WriteStream, { showCursor: true });
  // One column stays free: a full line wraps on some terminals.
  const columns = () => (stream.columns ?? DEFAULT_COLUMNS) - 1;
  const repaint = () => screen([...overview(jobs, { settled, jobCount, columns: columns(), paint })].join('\n'));
  const keep = (line: string) => screen.persist(line);
  return {
    update(label, job) {
      const before = jobs.get(label);
      jobs.set(label, job);
      if (jobCount > 1 && hasEnded(job.status) && !(before && hasEnded(before.status))) {
        keep(jobLine(job, { columns: columns(), paint, label, labelWidth: labelWidth([label], columns()) }));
      }
      repaint();
    },
    settle(label, how) {
      settled[how] += 1;
      keep(`${label}  ${paint(how === 'refused' ? 'red' : 'dim', how)}`);
      repaint();
    },
    note(text) {
      keep(text);
      if (jobs.size > 0) repaint();
    },
    close() {
      if (jobs.size > 0) repaint();
      screen.done();
    },
  };
}

interface OverviewOptions {
  readonly settled: { readonly skipped: number; readonly refused: number };
  readonly jobCount: number;
  readonly columns: number;
  readonly paint: Paint;
}

function* overview(jobs: ReadonlyMap<string, JobView>, options: OverviewOptions): Generator<string> {
  const { jobCount, columns, paint } = options;
  if (jobCount === 1) {
    for (const job of jobs.values()) yield jobLine(job, { columns, paint });
    return;
  }
  const underWay = [...jobs].filter(([, job]) => !hasEnded(job.status)).sort(byProgress);
  const rows = underWay.slice(0, MOST_ROWS);
  const width = labelWidth(
    rows.map(([label]) => label),
    columns,
  );
  for (const [label, job] of rows) yield jobLine(job, { columns, paint, label, labelWidth: width });
  if (underWay.length > rows.length) yield paint('dim', `… and ${underWay.length - rows.length} more`);
  yield countLine(jobs, options);
}

function byProgress([, a]: [string, JobView], [, b]: [string, JobView]): number {
  return b.progress.fraction - a.progress.fraction;
}

function countLine(jobs: ReadonlyMap<string, JobView>, options: OverviewOptions): string {
  const { settled, jobCount, columns, paint } = options;
  const all = [...jobs.values()];
  const count = (status: JobView['status']) => all.filter((job) => job.status === status).length;
  const finished = settled.skipped + settled.refused + all.filter((job) => hasEnded(job.status)).length;
  const underWay = all.reduce((sum, job) => sum + (hasEnded(job.status) ? 0 : job.progress.fraction), 0);
  const words = [`${count('succeeded') + settled.skipped} of ${jobCount} done`];
  const failed = count('failed') + count('canceled') + settled.refused;
  if (failed > 0) words.push(paint('red', `${failed} failed`));
  if (count('running') > 0) words.push(`${count('running')} running`);
  return `${progressBar((finished + underWay) / jobCount, Math.min(24, columns - 40), paint)}  ${words.join(', ')}`;
}

function labelWidth(labels: readonly string[], columns: number): number {
  const longest = Math.max(0, ...labels.map((label) => label.length));
  return Math.min(longest, WIDEST_LABEL, Math.floor(columns / 4));
}
