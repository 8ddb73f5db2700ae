import type { JobView } from '@farm/contracts';
import { errorDocument } from '../output/error-text.js';
import type { Output } from '../output/output.js';
import { createProgressView } from '../progress/create-progress-view.js';
import type { Outcome } from './outcome.js';
import type { Submission } from './plan-submissions.js';

/** Reports the progress of a submit of one or many files. */
export interface SubmitReporter {
  onUpdate(submission: Submission, job: JobView): void;
  onOutcome(submission: Submission, outcome: Outcome): void;
  note(text: string): void;
  close(): void;
}

export interface ReporterOptions {
  readonly output: Output;
  readonly environment: NodeJS.ProcessEnv;
  readonly fileCount: number;
  readonly json: boolean;
  readonly watch: boolean;
}

export function createSubmitReporter(options: ReporterOptions): SubmitReporter {
  if (options.json) return options.watch ? jsonLines(options) : jsonDocument(options);
  return options.watch ? progress(options) : ids(options);
}

/** Progress, then the paths of the videos. */
function progress({ output, environment, fileCount }: ReporterOptions): SubmitReporter {
  const view = createProgressView({ stream: output.stdout, environment, jobCount: fileCount });
  const warned = new Set<string>();
  const saved: string[] = [];
  let skipped = 0;
  return {
    onUpdate(submission, job) {
      for (const { code, message } of job.warnings) {
        const warning = `${submission.label}: ${message}`;
        if (!warned.has(`${submission.label} ${code}`)) view.note(`${output.paint('yellow', 'warning')}  ${warning}`);
        warned.add(`${submission.label} ${code}`);
      }
      view.update(submission.label, job);
    },
    onOutcome(submission, outcome) {
      if (fileCount > 1 && outcome.kind === 'skipped') view.settle(submission.label, 'skipped');
      if (fileCount > 1 && outcome.kind === 'failed' && outcome.job === undefined)
        view.settle(submission.label, 'refused');
      if (outcome.kind === 'made' && outcome.savedTo !== undefined) saved.push(outcome.savedTo);
      if (outcome.kind === 'skipped') skipped += 1;
    },
    note: view.note,
    close() {
      view.close();
      for (const path of saved.sort()) output.line(`video: ${path}`);
      if (skipped > 0)
        output.note(`${skipped} skipped: the video exists and is up to date (--again renders it again).`);
    },
  };
}

/** The ids of the jobs on stdout, alone where there is only one, for scripts. */
function ids({ output, fileCount }: ReporterOptions): SubmitReporter {
  return {
    onUpdate: () => undefined,
    onOutcome({ label }, outcome) {
      if (outcome.kind !== 'submitted') return;
      const { id, warnings } = outcome.job;
      for (const { message } of warnings) output.note(`${output.paint('yellow', 'warning')}  ${label}: ${message}`);
      output.line(fileCount === 1 ? id : `${id}  ${label}`);
      if (fileCount === 1) output.note(`Submitted. Follow its progress with: farm watch ${id}`);
    },
    note: output.note,
    close: () => undefined,
  };
}

function jsonLines({ output }: ReporterOptions): SubmitReporter {
  const line = (value: unknown) => output.json(value, { compact: true });
  return {
    onUpdate: ({ speechPath }, job) => line({ event: 'progress', audio: speechPath, job }),
    onOutcome: (submission, outcome) => line({ event: 'settled', ...outcomeDocument(submission, outcome) }),
    note: output.note,
    close: () => undefined,
  };
}

function jsonDocument({ output }: ReporterOptions): SubmitReporter {
  const jobs: unknown[] = [];
  return {
    onUpdate: () => undefined,
    onOutcome: (submission, outcome) => void jobs.push(outcomeDocument(submission, outcome)),
    note: output.note,
    close: () => output.json({ jobs }),
  };
}

function outcomeDocument({ speechPath, outPath }: Submission, outcome: Outcome): Record<string, unknown> {
  const file = { audio: speechPath, outcome: outcome.kind };
  if (outcome.kind === 'skipped') return { ...file, path: outPath };
  if (outcome.kind === 'failed') return { ...file, job: outcome.job ?? null, error: errorDocument(outcome.error) };
  return outcome.kind === 'made' ? { ...file, job: outcome.job, path: outcome.savedTo } : { ...file, job: outcome.job };
}
