import { InterruptedError } from '../errors.js';
import { errorText } from '../output/error-text.js';
import type { Output } from '../output/output.js';
import { SomeFailedError } from './errors.js';
import type { SubmittedFile } from './submit-all.js';

/** After all files: what failed and why. @throws SomeFailedError, or the error of the only file */
export function reportFailures(
  files: readonly SubmittedFile[],
  { output, json }: { output: Output; json: boolean },
): void {
  const failed = files.flatMap(({ submission, outcome }) =>
    outcome?.kind === 'failed' ? [{ label: submission.label, error: outcome.error }] : [],
  );
  const [first] = failed;
  if (first === undefined) return;
  if (files.length === 1) throw first.error;
  if (!json) {
    output.note(`\n${failed.length} of ${files.length} recordings failed:`);
    for (const { label, error } of failed) output.note(`  ${label}: ${errorText(error).replaceAll('\n', '\n    ')}`);
  }
  throw new SomeFailedError(
    failed.map(({ error }) => error),
    { count: files.length },
  );
}

/** Ctrl-C: which jobs continue without the command, and how to come back to them. */
export function interruptedWith(files: readonly SubmittedFile[]): InterruptedError {
  const continuing = files.flatMap(({ outcome, job }) => (outcome?.kind === 'submitted' && job ? [job.id] : []));
  const [only] = continuing;
  if (files.length <= 1)
    return only === undefined ? InterruptedError.beforeSubmit() : InterruptedError.whileWatching(only);
  const unsentCount = files.filter(({ outcome, job }) => outcome === undefined && job === undefined).length;
  return InterruptedError.whileWatchingSeveral(continuing, { unsentCount });
}
