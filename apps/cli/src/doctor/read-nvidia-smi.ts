import { gpuFields } from './probe-results.js';

export interface Card {
  readonly index: string;
  readonly name: string;
  readonly driverVersion: string;
  readonly memoryMiB: number | undefined;
  /** [8, 9]; undefined where it could not be read. */
  readonly computeCapability: readonly [number, number] | undefined;
  /** Memory errors that could not be corrected, since the driver was loaded; undefined where the card does not count. */
  readonly uncorrectedErrors: number | undefined;
  readonly isDivided: boolean;
  /** What nvidia-smi says instead of values when the card does not respond: "GPU is lost". */
  readonly fault: string | undefined;
}

export interface MigInstance {
  readonly cardIndex: string;
  /** `3g.40gb`. */
  readonly profile: string;
}

/** What stands for a value that the card does not have; anything else in brackets is a fault. */
const absent = /^\[?(N\/A|Not Supported)\]?$/i;

/** The rows of `nvidia-smi --query-gpu` (csv, noheader, nounits) in the order of `gpuFields`. */
export function readCards(csv: string): Card[] {
  return csv
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const cells = line.split(',').map((cell) => cell.trim());
      const value = (field: (typeof gpuFields)[number]) => cells[gpuFields.indexOf(field)] ?? '';
      const faults = cells.filter((cell) => /^\[.*\]$|^ERR!$/.test(cell) && !absent.test(cell));
      return {
        index: value('index'),
        name: value('name'),
        driverVersion: value('driver_version'),
        memoryMiB: wholeNumber(value('memory.total')),
        computeCapability: capability(value('compute_cap')),
        uncorrectedErrors: wholeNumber(value('ecc.errors.uncorrected.volatile.total')),
        isDivided: value('mig.mode.current') === 'Enabled',
        fault: faults[0]?.replace(/^\[|\]$/g, ''),
      };
    });
}

function wholeNumber(text: string): number | undefined {
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

function capability(text: string): readonly [number, number] | undefined {
  const match = /^(\d+)\.(\d+)$/.exec(text);
  return match ? [Number(match[1]), Number(match[2])] : undefined;
}

/** The MIG instances in the output of `nvidia-smi -L`. */
export function readMigInstances(list: string): MigInstance[] {
  const instances: MigInstance[] = [];
  let cardIndex = '';
  for (const line of list.split('\n')) {
    cardIndex = /^GPU (\d+):/.exec(line)?.[1] ?? cardIndex;
    const profile = /^\s+MIG (\S+)\s+Device/.exec(line)?.[1];
    if (profile !== undefined) instances.push({ cardIndex, profile });
  }
  return instances;
}
