import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ToolchainContext } from '@farm/toolchain';
import { checkQuiet } from './farm/check-farm.js';
import { openSoakFarm, type SoakFarm } from './farm/soak-farm.js';
import { measureReferences, median } from './rounds/measure-references.js';
import { type NamedFault, namedFaults } from './rounds/named-faults.js';
import { type Reference, runRound, Submitter } from './rounds/run-round.js';
import { makeSampleJobs } from './rounds/sample-jobs.js';

export interface RecoveryOptions {
  /** How often each fault is tried. */
  readonly repeat: number;
  /** Only the faults whose name contains this. */
  readonly only: string | undefined;
  readonly toolchain: ToolchainContext;
  readonly report: (line: string) => void;
}

export interface Recovery {
  readonly fault: string;
  /** How much longer each job took than the median of undisturbed ones; null where it failed. */
  readonly seconds: readonly (number | null)[];
  readonly problems: readonly string[];
}

export interface RecoveryResult {
  readonly at: string;
  readonly node: string;
  readonly cores: number;
  readonly loadAverage: number;
  readonly undisturbedSeconds: number;
  readonly recoveries: readonly Recovery[];
}

/** Undisturbed jobs one after the other, whose median is compared with. */
const UNDISTURBED_JOBS = 3;
const TIMEOUT_MS = 180_000;
/** It starts, and ends at once with exit code 2: no such option. */
const BROKEN_ENGINE = { FARM_ENGINE_ARGUMENTS: '--this-engine-cannot-start' };

/** Tries single faults, one job at a time. Faults that need the same farm share it. */
export async function runRecovery(options: RecoveryOptions): Promise<RecoveryResult> {
  const { only, toolchain } = options;
  const chosen = namedFaults.filter(({ name }) => name.includes(only ?? ''));
  const loadAverage = loadavg()[0]!;
  const recoveries: Recovery[] = [];
  const undisturbed: number[] = [];
  for (const setting of new Set(chosen.map(settingOf))) {
    if (toolchain.signal?.aborted) break;
    const faults = chosen.filter((fault) => settingOf(fault) === setting);
    const found = await recoverInOneFarm(faults, options);
    recoveries.push(...found.recoveries);
    undisturbed.push(found.undisturbedSeconds);
  }
  return {
    at: new Date().toISOString(),
    node: process.version,
    cores: cpus().length,
    loadAverage,
    undisturbedSeconds: median(undisturbed),
    recoveries,
  };
}

const settingOf = ({ workers, hasBrokenWorker }: NamedFault) => `${workers} ${hasBrokenWorker ?? false}`;

async function recoverInOneFarm(faults: readonly NamedFault[], options: RecoveryOptions) {
  const { toolchain, repeat, report } = options;
  const folder = await mkdtemp(join(tmpdir(), 'farm-recovery-'));
  const { workers: workerCount, hasBrokenWorker } = faults[0]!;
  const farm = await openSoakFarm({ folder, workerCount, toolchain });
  try {
    const submitter = new Submitter();
    const samples = (await makeSampleJobs(folder, toolchain)).filter(({ name }) => name === 'segmented');
    const [reference] = await measureReferences(farm, submitter, { samples, jobs: UNDISTURBED_JOBS, inFlight: 1 });
    report(`undisturbed, ${workerCount} workers: ${reference!.seconds.toFixed(1)} s`);
    if (hasBrokenWorker) await farm.addWorker('worker-broken', BROKEN_ENGINE);
    const tried = faults.map((fault) => ({
      fault: fault.name,
      seconds: [] as (number | null)[],
      problems: [] as string[],
    }));
    // One after the other, so that a part that is killed often has run long enough to be restarted immediately.
    for (let time = 1; time <= repeat; time += 1) {
      for (const [index, fault] of faults.entries()) {
        toolchain.signal?.throwIfAborted();
        const { seconds, problems } = await recover({ farm, submitter, reference: reference!, fault, time });
        tried[index]!.seconds.push(seconds);
        tried[index]!.problems.push(...problems);
        report(`${fault.name}: ${seconds === null ? problems.join('; ') : `${seconds.toFixed(1)} s`}`);
      }
    }
    return { recoveries: tried, undisturbedSeconds: reference!.seconds };
  } finally {
    await farm.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function recover(given: {
  readonly farm: SoakFarm;
  readonly submitter: Submitter;
  readonly reference: Reference;
  readonly fault: NamedFault;
  readonly time: number;
}): Promise<{ seconds: number | null; problems: string[] }> {
  const { farm, submitter, reference, fault, time } = given;
  const aims = fault.aim ? [fault.aim] : [];
  const round = { name: `${fault.name.replaceAll(/\W+/g, '-')}-${time}`, reference, aims, timeoutMs: TIMEOUT_MS };
  const result = await runRound(farm, submitter, round);
  const problems = [...result.problems];
  if (result.fired.length < aims.length) problems.push('the fault did not meet its step');
  const succeeded = problems.length === 0;
  for (const left of fault.hasBrokenWorker ? [] : await checkQuiet(farm)) problems.push(`afterwards: ${left}`);
  return { seconds: succeeded ? result.seconds - reference.seconds : null, problems };
}
