import { samplePortrait } from '@farm/local-farm';
import { getJob } from '@farm/records';
import { checkJob } from '../farm/check-job.js';
import type { SoakFarm } from '../farm/soak-farm.js';
import { describeTasks, waitUntilEnded } from '../farm/wait-until-ended.js';
import type { Aim, RoundOfJobs } from '../proxies/fault-board.js';
import { describeAim, kindOf } from './choose-aims.js';
import type { SampleJob } from './sample-jobs.js';

/** What an undisturbed run of a sample job gave. */
export interface Reference {
  readonly sample: SampleJob;
  readonly hashes: readonly string[];
  /** Of an undisturbed job under the same load. */
  readonly seconds: number;
}

export interface Round {
  /** The run's, the round's: unique among the jobs of a farm. */
  readonly name: string;
  readonly reference: Reference;
  readonly aims: readonly Aim[];
  readonly timeoutMs: number;
}

export interface FiredFault {
  readonly kind: string;
  readonly aim: string;
  /** How much longer the job took than an undisturbed one; null where it did not succeed. */
  readonly recoverySeconds: number | null;
}

export interface RoundResult {
  readonly name: string;
  readonly jobId: string | undefined;
  readonly sample: string;
  readonly aims: readonly string[];
  readonly fired: readonly FiredFault[];
  readonly seconds: number;
  /** None in a round that went well. */
  readonly problems: readonly string[];
}

/** Submits one at a time: until a job has a record, what reaches the storage belongs to the round that submits. */
export class Submitter {
  #last: Promise<unknown> = Promise.resolve();

  submit(farm: SoakFarm, sample: SampleJob, round: RoundOfJobs): Promise<{ jobId: string; startedAt: number }> {
    const submitted = this.#last.then(async () => {
      round.isSubmitting = true;
      const startedAt = performance.now();
      const { spec, speechPath } = sample;
      const { idempotencyKey } = round;
      const job = await farm.client
        .submitJob({ spec, portraitPath: samplePortrait, speechPath, idempotencyKey })
        .finally(() => {
          round.isSubmitting = false;
        });
      round.jobIds.add(job.id);
      return { jobId: job.id, startedAt };
    });
    this.#last = submitted.catch(() => {});
    return submitted;
  }
}

/** One job with its faults, from the submit to the checked video. */
export async function runRound(farm: SoakFarm, submitter: Submitter, round: Round): Promise<RoundResult> {
  const opened = farm.board.open(round.name, round.aims);
  const problems: string[] = [];
  let jobId: string | undefined;
  let seconds = 0;
  try {
    const submitted = await submitter.submit(farm, round.reference.sample, opened);
    jobId = submitted.jobId;
    const status = await waitUntilEnded(farm, jobId, round.timeoutMs);
    seconds = (performance.now() - submitted.startedAt) / 1000;
    if (status === 'succeeded') problems.push(...(await checkJob(farm, jobId, round.reference.hashes)));
    else problems.push(await describeEnd(farm, jobId, status));
  } catch (error) {
    problems.push(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
  } finally {
    farm.board.close(opened);
  }
  const succeeded = problems.length === 0;
  const recoverySeconds = succeeded ? seconds - round.reference.seconds : null;
  return {
    name: round.name,
    jobId,
    sample: round.reference.sample.name,
    aims: round.aims.map(describeAim),
    fired: opened.faults
      .filter((fault) => fault.firedAt !== undefined)
      .map((fault) => ({ kind: kindOf(fault), aim: describeAim(fault), recoverySeconds })),
    seconds,
    problems,
  };
}

async function describeEnd({ records }: SoakFarm, jobId: string, status: string | undefined): Promise<string> {
  const job = await getJob(records, jobId);
  const tasks = await describeTasks(records, jobId);
  const how = status === undefined ? `did not end (${job?.status})` : `${status}: ${job?.error?.code ?? ''}`;
  return `the job ${how}; ${tasks.join('; ')}`;
}
