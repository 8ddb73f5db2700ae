import { CommandError, exitCodeOf, exitCodes } from '../exit-codes.js';
import { errorText } from '../output/error-text.js';
import type { Output } from '../output/output.js';
import { detached } from '../watch/watch-and-save.js';
import type { SubmittedFile } from './submit-all.js';

/** After all files: what failed and why. @throws CommandError when something did. */
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
  const exitCode = failed.length < files.length ? exitCodes.partlyMade : exitCodeOf(first.error);
  const message = 'Running the same command again does only what is missing.';
  throw new CommandError({ code: 'some-failed', exitCode, message, cause: first.error });
}

/** Ctrl-C: what goes on without us, and how to come back to it. */
export function detachedFrom(files: readonly SubmittedFile[]): CommandError {
  const goingOn = files.flatMap(({ outcome, job }) => (outcome?.kind === 'submitted' && job ? [job.id] : []));
  const notSent = files.filter(({ outcome, job }) => outcome === undefined && job === undefined).length;
  const [only] = goingOn;
  if (files.length <= 1) {
    return only === undefined
      ? detached('Stopped before the job was submitted.')
      : detached(`Stopped watching; the job goes on. Come back with: farm watch ${only}`);
  }
  const unsent = notSent === 0 ? '' : ` ${notSent} recordings were not submitted yet.`;
  const one = only === undefined ? '' : ` (or watch one: farm watch ${only})`;
  return detached(
    `Stopped watching; ${goingOn.length} jobs go on.${unsent} Come back by running the same command again${one}.`,
  );
}
