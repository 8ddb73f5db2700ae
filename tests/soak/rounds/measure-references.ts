import { UndisturbedRunFailedError } from '../errors.js';
import { checkJob, frameHashes } from '../farm/check-job.js';
import type { SoakFarm } from '../farm/soak-farm.js';
import { inParallel } from './in-parallel.js';
import { type Reference, type RoundResult, runRound, type Submitter } from './run-round.js';
import type { SampleJob } from './sample-jobs.js';

const TIMEOUT_MS = 120_000;

export interface ReferenceOptions {
  readonly samples: readonly SampleJob[];
  /** How many of each. */
  readonly jobs: number;
  /** Jobs at a time, as the rounds will have them: the time of an undisturbed job depends on it. */
  readonly inFlight: number;
}

/** Runs every sample job undisturbed: for its frames, and for the time that it takes. */
export async function measureReferences(
  farm: SoakFarm,
  submitter: Submitter,
  { samples, jobs, inFlight }: ReferenceOptions,
): Promise<Reference[]> {
  const references: Reference[] = [];
  for (const sample of samples) {
    // The first job also waits for the engines to load, and Redis has no script yet.
    await undisturbed(farm, submitter, { sample, hashes: [], seconds: 0 });
    const first = await undisturbed(farm, submitter, { sample, hashes: [], seconds: 0 });
    const hashes = frameHashes(await farm.client.getManifest(first.jobId!));
    const all: RoundResult[] = [];
    await inParallel({ first: 0, last: jobs, inFlight, signal: undefined }, async () => {
      all.push(await undisturbed(farm, submitter, { sample, hashes, seconds: 0 }));
    });
    for (const { jobId } of all) {
      const problems = await checkJob(farm, jobId!, hashes);
      if (problems.length > 0) throw new UndisturbedRunFailedError(problems);
    }
    references.push({ sample, hashes, seconds: median(all.map(({ seconds }) => seconds)) });
  }
  return references;
}

let count = 0;

async function undisturbed(farm: SoakFarm, submitter: Submitter, reference: Reference) {
  count += 1;
  const round = { name: `undisturbed-${count}`, reference, aims: [], timeoutMs: TIMEOUT_MS };
  const result = await runRound(farm, submitter, round);
  if (result.jobId === undefined) throw new UndisturbedRunFailedError(result.problems);
  return result;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
