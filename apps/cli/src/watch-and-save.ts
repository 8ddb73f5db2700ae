import { resolve } from 'node:path';
import type { FarmClient } from '@farm/client';
import type { JobDetail } from '@farm/contracts';
import { CommandError } from './errors.js';
import { exitCodes } from './exit-codes.js';

export interface WatchedJob {
  readonly jobId: string;
  /** Where the video goes; undefined where it stays in the farm. */
  readonly outPath: string | undefined;
}

export interface WatchHooks {
  readonly signal: AbortSignal;
  readonly onUpdate: (job: JobDetail) => void;
}

export interface EndedJob {
  readonly job: JobDetail;
  /** Absolute path of the video that was saved. */
  readonly savedTo: string | undefined;
}

/** The job failed or was canceled; the code is that of its error. */
export class JobNotMadeError extends CommandError<string> {
  constructor(job: JobDetail) {
    const message =
      job.status === 'canceled'
        ? `Job ${job.id} was canceled. \`farm retry ${job.id}\` restarts it.`
        : `Job ${job.id} failed: ${job.error?.message ?? 'no reason was recorded.'} ` +
          `\`farm show ${job.id}\` says more; \`farm retry ${job.id}\` tries again.`;
    super(job.error?.code ?? `job-${job.status}`, message, { exitCode: exitCodes.jobNotMade });
  }
}

/** Watches a job to its end and saves its video. @throws JobNotMadeError when the job failed or was canceled */
export async function watchAndSave(client: FarmClient, watched: WatchedJob, hooks: WatchHooks): Promise<EndedJob> {
  let ended: JobDetail | undefined;
  for await (const job of client.watchJob(watched.jobId, hooks.signal)) {
    hooks.onUpdate(job);
    ended = job;
  }
  hooks.signal.throwIfAborted();
  if (ended === undefined) throw new TypeError(`Watching ${watched.jobId} ended without a state.`);
  if (ended.status !== 'succeeded') throw new JobNotMadeError(ended);
  if (watched.outPath === undefined) return { job: ended, savedTo: undefined };
  await client.downloadVideo(ended.id, watched.outPath, hooks.signal);
  return { job: ended, savedTo: resolve(watched.outPath) };
}
