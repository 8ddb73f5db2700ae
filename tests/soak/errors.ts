/** The farm under test does not even work undisturbed: no fault was injected yet. */
export class UndisturbedRunFailedError extends Error {
  readonly code = 'undisturbed-run-failed';

  constructor(problems: readonly string[]) {
    super(`An undisturbed job did not succeed: ${problems.join('; ')}`);
  }
}
