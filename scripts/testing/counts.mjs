/** How many tests of one or several runners passed, failed and were skipped. */
export const noTests = Object.freeze({ passed: 0, failed: 0, skipped: 0 });

export function addCounts(a, b) {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}

/** A runner that ended badly has failed even if no single test did. */
export function judgeExit(counts, exitCode) {
  return counts.failed === 0 && exitCode !== 0 ? { ...counts, failed: 1 } : counts;
}

/** A whole run fails as one runner does, and when it ran nothing. */
export function judgeRun(counts, exitCode) {
  const ranNothing = counts.passed + counts.failed === 0;
  return judgeExit(counts, ranNothing ? 1 : exitCode);
}

export function summaryLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
