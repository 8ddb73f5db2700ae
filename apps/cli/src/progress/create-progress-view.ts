import type { OutputStream } from '../output/output.js';
import { wantsColour } from '../output/style.js';
import { plainProgress } from './plain-progress.js';
import type { ProgressView } from './progress-view.js';
import { terminalProgress } from './terminal-progress.js';

export interface ProgressViewOptions {
  readonly stream?: OutputStream;
  readonly environment?: NodeJS.ProcessEnv;
  /** How many jobs will be shown; more than one adds a line that counts them. */
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
