import { resolve } from 'node:path';
import type { JobDetail } from '@farm/contracts';
import type { FarmClient } from '../client/index.js';
import { CommandError, exitCodes } from '../exit-codes.js';

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

/** Watches a job to its end and saves its video. @throws CommandError when the job failed or was canceled. */
export async function watchAndSave(client: FarmClient, watched: WatchedJob, hooks: WatchHooks): Promise<EndedJob> {
  let ended: JobDetail | undefined;
  for await (const job of client.watchJob(watched.jobId, hooks.signal)) {
    hooks.onUpdate(job);
    ended = job;
  }
  hooks.signal.throwIfAborted();
  if (ended === undefined) throw new TypeError(`Watching ${watched.jobId} ended without a state.`);
  if (ended.status !== 'succeeded') throw jobNotMade(ended);
  if (watched.outPath === undefined) return { job: ended, savedTo: undefined };
  await client.downloadVideo(ended.id, watched.outPath, hooks.signal);
  return { job: ended, savedTo: resolve(watched.outPath) };
}

function jobNotMade(job: JobDetail): CommandError {
  const message =
    job.status === 'canceled'
      ? `Job ${job.id} was canceled. \`farm retry ${job.id}\` starts it anew.`
      : `Job ${job.id} failed: ${job.error?.message ?? 'no reason was recorded.'} ` +
        `\`farm show ${job.id}\` says more; \`farm retry ${job.id}\` tries again.`;
  const code = job.error?.code ?? `job-${job.status}`;
  return new CommandError({ code, exitCode: exitCodes.jobNotMade, message });
}

/** Ctrl-C leaves jobs running; this is how to come back to them. */
export function detached(message: string): CommandError {
  return new CommandError({ code: 'interrupted', exitCode: exitCodes.interrupted, message });
}
