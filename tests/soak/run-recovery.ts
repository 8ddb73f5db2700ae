import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { listWorkers } from '@farm/records';
import type { ToolchainContext } from '@farm/toolchain';
import { checkQuiet } from './farm/check-farm.js';
import { openSoakFarm, type SoakFarm } from './farm/soak-farm.js';
import type { Aim } from './proxies/fault-board.js';
import { measureReferences, median } from './rounds/measure-references.js';
import { type NamedFault, namedFaults } from './rounds/named-faults.js';
import { type Reference, type RoundResult, runRound, Submitter } from './rounds/run-round.js';
import { makeLongerSampleJob, type SampleJob } from './rounds/sample-jobs.js';

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
  /** How much longer each job took than an undisturbed one just before it; null where it failed. */
  readonly seconds: readonly (number | null)[];
  readonly problems: readonly string[];
}

interface Tried extends Recovery {
  readonly seconds: (number | null)[];
  readonly problems: string[];
}

export interface RecoveryResult {
  readonly at: string;
  readonly node: string;
  readonly cores: number;
  readonly loadAverage: number;
  readonly undisturbedSeconds: number;
  readonly recoveries: readonly Recovery[];
}

const TIMEOUT_MS = 180_000;
/** It starts, and ends immediately with exit code 2: no such option. */
const BROKEN_ENGINE = { FARM_ENGINE_ARGUMENTS: '--this-engine-cannot-start' };
const BROKEN_WORKER = 'worker-broken';
const JOBS_BESIDE_BROKEN_WORKER = 8;

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

async function recoverInOneFarm(
  faults: readonly NamedFault[],
  options: RecoveryOptions,
): Promise<{ recoveries: Recovery[]; undisturbedSeconds: number }> {
  const { toolchain } = options;
  const folder = await mkdtemp(join(tmpdir(), 'farm-recovery-'));
  const { workers: workerCount, hasBrokenWorker } = faults[0]!;
  const farm = await openSoakFarm({ folder, workerCount, toolchain });
  try {
    const trials = new Trials(farm, await makeLongerSampleJob(folder, toolchain), options);
    return hasBrokenWorker ? await trials.besideBrokenWorker(faults[0]!) : await trials.ofFaults(faults);
  } finally {
    await farm.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** The jobs that are tried in one farm, disturbed and undisturbed. */
class Trials {
  readonly #farm: SoakFarm;
  readonly #sample: SampleJob;
  readonly #options: RecoveryOptions;
  readonly #submitter = new Submitter();
  readonly #undisturbed: number[] = [];
  #count = 0;

  constructor(farm: SoakFarm, sample: SampleJob, options: RecoveryOptions) {
    this.#farm = farm;
    this.#sample = sample;
    this.#options = options;
  }

  /**
   * One fault after the other, so that a part that is killed often has run long enough to be restarted immediately. Each
   * disturbed job follows an undisturbed one: the machine may be busy with something else for a while.
   */
  async ofFaults(faults: readonly NamedFault[]): Promise<{ recoveries: Recovery[]; undisturbedSeconds: number }> {
    const reference = await this.#reference(1);
    const tried = new Map(faults.map(({ name }) => [name, { fault: name, seconds: [], problems: [] } as Tried]));
    for (let time = 1; time <= this.#options.repeat; time += 1) {
      for (const fault of faults) {
        const undisturbed = await this.#run(reference, []);
        this.#undisturbed.push(undisturbed.seconds);
        const result = await this.#run(reference, [fault.aim!]);
        const problems = [...undisturbed.problems, ...result.problems];
        if (result.fired.length === 0) problems.push('the fault did not meet its step');
        this.#note(
          tried.get(fault.name)!,
          problems.length === 0 ? result.seconds - undisturbed.seconds : null,
          problems,
        );
        for (const left of await checkQuiet(this.#farm)) tried.get(fault.name)!.problems.push(`afterwards: ${left}`);
      }
    }
    return { recoveries: [...tried.values()], undisturbedSeconds: median(this.#undisturbed) };
  }

  /** Several jobs at a time, first without the broken worker. */
  async besideBrokenWorker({ name }: NamedFault): Promise<{ recoveries: Recovery[]; undisturbedSeconds: number }> {
    const reference = await this.#reference(JOBS_BESIDE_BROKEN_WORKER);
    await this.#farm.addWorker(BROKEN_WORKER, BROKEN_ENGINE);
    while (!(await this.#isRegistered(BROKEN_WORKER))) await sleep(50, undefined, { signal: this.#farm.signal });
    const tried: Tried = { fault: name, seconds: [], problems: [] };
    const jobs = Array.from({ length: JOBS_BESIDE_BROKEN_WORKER }, () => this.#run(reference, []));
    for (const { seconds, problems } of await Promise.all(jobs))
      this.#note(tried, problems.length === 0 ? seconds - reference.seconds : null, problems);
    return { recoveries: [tried], undisturbedSeconds: reference.seconds };
  }

  async #reference(inFlight: number): Promise<Reference> {
    const options = { samples: [this.#sample], jobs: inFlight, inFlight };
    const [reference] = await measureReferences(this.#farm, this.#submitter, options);
    return reference!;
  }

  #run(reference: Reference, aims: readonly Aim[]): Promise<RoundResult> {
    this.#farm.signal?.throwIfAborted();
    this.#count += 1;
    const round = { name: `trial-${this.#count}`, reference, aims, timeoutMs: TIMEOUT_MS };
    return runRound(this.#farm, this.#submitter, round);
  }

  #note(tried: Tried, seconds: number | null, problems: readonly string[]): void {
    tried.seconds.push(seconds);
    tried.problems.push(...problems);
    this.#options.report(`${tried.fault}: ${seconds === null ? problems.join('; ') : `${seconds.toFixed(1)} s`}`);
  }

  async #isRegistered(name: string): Promise<boolean> {
    const pid = this.#farm.processes()[name];
    return (await listWorkers(this.#farm.records)).some(({ id }) => id.endsWith(`-${pid}`));
  }
}
