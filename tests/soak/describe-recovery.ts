import { median } from './rounds/measure-references.js';
import type { Recovery, RecoveryResult } from './run-recovery.js';
import { table } from './summarize.js';

/** A Markdown table: a row per fault, a column per measured version of the farm. */
export function describeRecovery(versions: Readonly<Record<string, RecoveryResult>>): string {
  const names = Object.keys(versions);
  const faults = [...new Set(names.flatMap((name) => versions[name]!.recoveries.map(({ fault }) => fault)))];
  const rows = faults.map((fault) => [
    fault,
    ...names.map((name) => cell(versions[name]!.recoveries.find((recovery) => recovery.fault === fault))),
  ]);
  const undisturbed = ['undisturbed job', ...names.map((name) => `${versions[name]!.undisturbedSeconds.toFixed(1)} s`)];
  return table([['fault', ...names], ...rows, undisturbed]).join('\n');
}

/** Median and worst; a job that failed is worth more than its time. */
function cell(recovery: Recovery | undefined): string {
  if (!recovery || recovery.seconds.length === 0) return '';
  const recovered = recovery.seconds.filter((seconds) => seconds !== null).map((seconds) => Math.max(0, seconds));
  const failed = recovery.seconds.length - recovered.length;
  const failures = failed > 0 ? `${failed} of ${recovery.seconds.length} jobs lost` : '';
  if (recovered.length === 0) return failures;
  const times = `${median(recovered).toFixed(1)} s (worst ${Math.max(...recovered).toFixed(1)} s)`;
  return [times, failures].filter((text) => text !== '').join(', ');
}
