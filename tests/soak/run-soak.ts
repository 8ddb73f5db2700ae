import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ToolchainContext } from '@farm/toolchain';
import { checkQuiet, checkStorage } from './farm/check-farm.js';
import { openSoakFarm, type SoakFarm } from './farm/soak-farm.js';
import { Random } from './random.js';
import { chooseAims } from './rounds/choose-aims.js';
import { inParallel } from './rounds/in-parallel.js';
import { measureReferences } from './rounds/measure-references.js';
import { type Reference, type RoundResult, runRound, Submitter } from './rounds/run-round.js';
import { makeSampleJobs } from './rounds/sample-jobs.js';

export interface SoakOptions {
  readonly rounds: number;
  /** Round n takes its faults from `seed` + n, so that one round can be repeated alone. */
  readonly seed: number;
  /** Jobs at a time. */
  readonly inFlight: number;
  readonly workerCount: number;
  /** Its signal ends the run early, with what was found until then. */
  readonly toolchain: ToolchainContext;
  readonly report: (line: string) => void;
  /** Keeps the farm's folder, with its logs, where anything failed. */
  readonly keepOnFailure: boolean;
}

export interface SoakResult {
  readonly seed: number;
  readonly rounds: readonly (RoundResult & { readonly seed: number })[];
  /** What was left waiting or stored after all rounds, and what never became quiet. */
  readonly problems: readonly string[];
  readonly undisturbedSeconds: Readonly<Record<string, number>>;
  readonly seconds: number;
}

const ROUND_TIMEOUT_MS = 150_000;
/** How often everything must come to rest, so that what is left over can be told to few rounds. */
const ROUNDS_BETWEEN_CHECKS = 100;
/** A farm that fails this often is broken; more of the same helps nobody. */
const MOST_FAILED_ROUNDS = 40;
const PROGRESS_ROUNDS = 10;

/** Submits small jobs to a real farm and disturbs each at steps drawn from the seed. */
export async function runSoak(options: SoakOptions): Promise<SoakResult> {
  const { toolchain, workerCount } = options;
  const folder = await mkdtemp(join(tmpdir(), 'farm-soak-'));
  let hasFailed: boolean | undefined;
  const farm = await openSoakFarm({ folder, workerCount, toolchain });
  try {
    const result = await soak(farm, options);
    hasFailed = result.problems.length > 0 || result.rounds.some((round) => round.problems.length > 0);
    return result;
  } finally {
    await farm.close();
    if (options.keepOnFailure && (hasFailed ?? !toolchain.signal?.aborted))
      options.report(`The farm's folder, with its logs, is kept: ${folder}`);
    else await rm(folder, { recursive: true, force: true });
  }
}

async function soak(farm: SoakFarm, options: SoakOptions): Promise<SoakResult> {
  const { rounds: count, seed, inFlight, report, toolchain } = options;
  const { signal } = toolchain;
  const started = performance.now();
  const submitter = new Submitter();
  const samples = await makeSampleJobs(farm.folder, toolchain);
  const references = await measureReferences(farm, submitter, { samples, jobs: inFlight, inFlight });
  for (const { sample, seconds } of references) report(`undisturbed, ${sample.name}: ${seconds.toFixed(1)} s`);
  const rounds: (RoundResult & { seed: number })[] = [];
  const problems: string[] = [];
  for (let first = 0; first < count && !signal?.aborted; first += ROUNDS_BETWEEN_CHECKS) {
    const last = Math.min(count, first + ROUNDS_BETWEEN_CHECKS);
    await inParallel({ first, last, inFlight, signal }, async (index) => {
      const result = await seededRound(farm, submitter, { seed: seed + index, references });
      if (signal?.aborted) return;
      rounds.push(result);
      reportRound(rounds, { count, started, report });
    });
    if (signal?.aborted) break;
    for (const problem of [...(await checkQuiet(farm)), ...(await checkStorage(farm))]) {
      problems.push(`after ${last} rounds: ${problem}`);
      report(`FAILED after round ${last}: ${problem}`);
    }
    if (rounds.filter((round) => round.problems.length > 0).length >= MOST_FAILED_ROUNDS) break;
  }
  if (!signal?.aborted) problems.push(...(await checkWorkers(farm, submitter, references)));
  const undisturbedSeconds = Object.fromEntries(references.map(({ sample, seconds }) => [sample.name, seconds]));
  return { seed, rounds, problems, undisturbedSeconds, seconds: (performance.now() - started) / 1000 };
}

async function seededRound(
  farm: SoakFarm,
  submitter: Submitter,
  { seed, references }: { readonly seed: number; readonly references: readonly Reference[] },
): Promise<RoundResult & { seed: number }> {
  const random = new Random(seed);
  const reference = random.pick(references.map((value) => ({ weight: 1, value })));
  const aims = chooseAims(random);
  const round = { name: `round-${seed}`, reference, aims, timeoutMs: ROUND_TIMEOUT_MS };
  return { ...(await runRound(farm, submitter, round)), seed };
}

function reportRound(
  rounds: readonly (RoundResult & { seed: number })[],
  { count, started, report }: { count: number; started: number; report: (line: string) => void },
): void {
  const { seed, sample, aims, problems } = rounds.at(-1)!;
  if (problems.length > 0)
    report(`FAILED --seed ${seed} --rounds 1 (${sample}; ${aims.join(' and ')}): ${problems.join('; ')}`);
  if (rounds.length % PROGRESS_ROUNDS !== 0 && rounds.length !== count) return;
  const failed = rounds.filter((round) => round.problems.length > 0).length;
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  report(`${rounds.length} of ${count} rounds, ${failed} failed, ${seconds} s`);
}

/** Every worker must still take and finish work. */
async function checkWorkers(farm: SoakFarm, submitter: Submitter, references: readonly Reference[]): Promise<string[]> {
  const workers = Object.entries(farm.processes()).filter(([name]) => name.startsWith('worker'));
  const jobs = Array.from({ length: 2 * workers.length }, (_, number) => number);
  const results = await Promise.all(
    jobs.map((number) =>
      runRound(farm, submitter, {
        name: `closing-${number}`,
        reference: references[number % references.length]!,
        aims: [],
        timeoutMs: ROUND_TIMEOUT_MS,
      }),
    ),
  );
  const problems = results.flatMap((result) => result.problems.map((problem) => `after the last round: ${problem}`));
  const manifests = await Promise.all(
    results.flatMap(({ jobId, problems: own }) => (jobId && own.length === 0 ? [farm.client.getManifest(jobId)] : [])),
  );
  const active = new Set(manifests.flatMap(({ attempts }) => attempts.map(({ workerId }) => workerId)));
  for (const [name, pid] of workers)
    if (![...active].some((id) => id.endsWith(`-${pid}`))) problems.push(`${name} (${pid}) takes no work any more`);
  problems.push(...(await checkQuiet(farm)));
  return problems;
}
