import { median } from './rounds/measure-references.js';
import type { RoundResult } from './rounds/run-round.js';
import type { SoakResult } from './run-soak.js';

export interface FaultSummary {
  readonly fault: string;
  readonly count: number;
  readonly failed: number;
  readonly medianSeconds: number | null;
  readonly worstSeconds: number | null;
}

/** Per kind of fault: how often it fired, and how much longer the jobs took. Rounds of two faults count for both. */
export function summarizeFaults({ rounds }: SoakResult): FaultSummary[] {
  const times = new Map<string, (number | null)[]>();
  for (const { fired } of rounds)
    for (const { kind, recoverySeconds } of fired) times.set(kind, [...(times.get(kind) ?? []), recoverySeconds]);
  return [...times]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([fault, all]) => {
      const recovered = all.filter((seconds) => seconds !== null).map((seconds) => Math.max(0, seconds));
      const isEmpty = recovered.length === 0;
      return {
        fault,
        count: all.length,
        failed: all.length - recovered.length,
        medianSeconds: isEmpty ? null : median(recovered),
        worstSeconds: isEmpty ? null : Math.max(...recovered),
      };
    });
}

/** Aims of a round whose step never came. */
export const faultsNotMet = ({ aims, fired }: RoundResult): string[] =>
  aims.filter((aim) => !fired.some((fault) => fault.aim === aim));

const secondsText = (seconds: number | null) => (seconds === null ? '' : seconds.toFixed(1));

/** What a person reads after a run. */
export function describeSoak(result: SoakResult): string {
  const { rounds, problems, seconds } = result;
  const failed = rounds.filter((round) => round.problems.length > 0);
  const aimed = rounds.flatMap((round) => round.aims).length;
  const notMet = rounds.flatMap(faultsNotMet);
  const rows = summarizeFaults(result).map((row) => [
    row.fault,
    String(row.count),
    String(row.failed),
    secondsText(row.medianSeconds),
    secondsText(row.worstSeconds),
  ]);
  return [
    ...table([['fault', 'count', 'failed', 'median s', 'worst s'], ...rows]),
    '',
    ...failed.map((round) => `FAILED --seed ${round.seed} --rounds 1 (${round.aims.join(' and ')})`),
    ...problems.map((problem) => `FAILED ${problem}`),
    ...(notMet.length > 0 ? [`Met no step: ${notMet.join(', ')}`] : []),
    `${rounds.length} rounds in ${seconds.toFixed(0)} s, ${aimed - notMet.length} of ${aimed} faults met their step, ` +
      `${failed.length} rounds failed, ${problems.length} things left over.`,
  ].join('\n');
}

/** Lines of a Markdown table. */
export function table([head = [], ...rows]: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, column) => (column === 0 ? '---' : '---:'))), ...rows.map(line)];
}
