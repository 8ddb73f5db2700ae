import type { JobView } from '@farm/contracts';

/** Shows the progress of jobs. A terminal is repainted; anything else gets a line for each change. */
export interface ProgressView {
  /** The newest state of a job, under its label: a file's name, or the job's id. */
  update(label: string, job: JobView): void;
  /** One of several that needs no job (its video exists) or gets none (it was refused). */
  settle(label: string, how: 'skipped' | 'refused'): void;
  /** A sentence that stays on the screen. */
  note(text: string): void;
  /** Leaves the last state on the screen. Nothing may follow. */
  close(): void;
}
