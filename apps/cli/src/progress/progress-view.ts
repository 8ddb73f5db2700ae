import type { JobView } from '@farm/contracts';
import { plainProgress } from './plain-progress.js';
import { wantsColour } from './style.js';
import { terminalProgress } from './terminal-progress.js';

/** Shows how jobs come along. A terminal is repainted; anything else gets a line for each change. */
export interface ProgressView {
  /** The newest state of a job, under what the person calls it: a file's name, or the job's id. */
  update(label: string, job: JobView): void;
  /** One of several that needs no job (its video is there) or gets none (it was refused). */
  settle(label: string, how: 'skipped' | 'refused'): void;
  /** A sentence that stays on the screen. */
  note(text: string): void;
  /** Leaves the last state on the screen. Nothing may follow. */
  close(): void;
}

export interface ProgressStream {
  write(text: string): boolean;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface ProgressViewOptions {
  readonly stream?: ProgressStream;
  readonly environment?: NodeJS.ProcessEnv;
  /** Jobs there will be, where more than one: adds a line that counts them. */
  readonly jobCount?: number;
}

/**
 * The view for where the output goes. `farm submit --watch`, `farm watch` and `farm demo` share it:
 *
 *     const view = createProgressView();
 *     for await (const job of client.watchJob(id)) view.update(id, job);
 *     view.close();
 */
export function createProgressView(options: ProgressViewOptions = {}): ProgressView {
  const { stream = process.stdout, environment = process.env, jobCount = 1 } = options;
  if (!stream.isTTY || environment.TERM === 'dumb') return plainProgress({ stream, labelled: jobCount > 1 });
  return terminalProgress({ stream, colour: wantsColour(stream, environment), jobCount });
}
