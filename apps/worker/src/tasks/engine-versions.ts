import type { Warning } from '@farm/contracts';
import type { PieceRecord } from '@farm/records';

/** The warning of a job whose pieces are not all of one engine version: which segments are of which. */
export function mixedVersionsWarning(segments: readonly { pieces: readonly PieceRecord[] }[]): Warning | undefined {
  const segmentsOf = new Map<string, Set<number>>();
  for (const [index, { pieces }] of segments.entries()) {
    for (const { engineVersion } of pieces) {
      // Pieces that an older program committed do not say.
      if (!engineVersion) continue;
      const numbers = segmentsOf.get(engineVersion) ?? new Set();
      segmentsOf.set(engineVersion, numbers.add(index + 1));
    }
  }
  if (segmentsOf.size < 2) return undefined;
  const parts = [...segmentsOf].map(([version, numbers]) => `${segmentsInWords([...numbers])} by ${version}`);
  return {
    code: 'engine-versions-mixed',
    message:
      `The frames were rendered by different versions of the engine: ${parts.join(', ')}. Look at the borders between ` +
      'them, or submit the job again once every worker runs one version.',
  };
}

/** Runs of consecutive numbers as ranges: 1 to 3 and 5. */
function segmentsInWords(numbers: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last?.[1] === number - 1) last[1] = number;
    else ranges.push([number, number]);
  }
  const words = ranges.map(([first, last]) => (first === last ? `${first}` : `${first} to ${last}`));
  return `${numbers.length === 1 ? 'segment' : 'segments'} ${words.join(', ')}`;
}
