import type { JobView } from '@farm/contracts';
import type { OutputStream } from '../output/output.js';
import { phaseOf, progressFacts } from './job-line.js';
import type { ProgressView } from './progress-view.js';

/** One line whenever a job's phase changes or a clip is done, for logs. */
export function plainProgress({ stream, labelled }: { stream: OutputStream; labelled: boolean }): ProgressView {
  const shown = new Map<string, string>();
  return {
    update(label, job) {
      const change = changeOf(job);
      if (shown.get(label) === change) return;
      shown.set(label, change);
      const line = [phaseOf(job), ...progressFacts(job)].join('  ');
      stream.write(labelled ? `${label}  ${line}\n` : `${line}\n`);
    },
    settle: (label, how) => void stream.write(`${label}  ${how}\n`),
    note: (text) => void stream.write(`${text}\n`),
    close: () => undefined,
  };
}

function changeOf(job: JobView): string {
  return `${phaseOf(job)} ${job.progress.clipsDone}`;
}
