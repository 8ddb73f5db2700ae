import { stat } from 'node:fs/promises';
import { contentIdempotencyKey, type FarmClient, fileSha256 } from '@farm/client';
import type { JobSpec, JobView } from '@farm/contracts';
import { EmptySpeechError } from './errors.js';
import type { Submission } from './plan-submissions.js';

export interface SharedInputs {
  readonly spec: JobSpec;
  readonly portraitPath: string;
  readonly portraitSha256: string;
  /** Render again even if the video or the job already exists. */
  readonly again: boolean;
}

/**
 * Whether the video exists and is no older than what it is made from. Videos appear under their name only when they are
 * complete, so there is nothing else to check.
 */
export async function isUpToDate(submission: Submission, portraitPath: string): Promise<boolean> {
  if (submission.outPath === undefined || submission.outPath.includes('{id}')) return false;
  const video = await stat(submission.outPath).catch(() => undefined);
  if (video === undefined) return false;
  const inputs = await Promise.all([stat(submission.speechPath), stat(portraitPath)]);
  return inputs.every((input) => input.mtimeMs <= video.mtimeMs);
}

/**
 * Submits one recording under a key made from its content: an existing job is found, and one that failed or was
 * canceled continues where it stopped.
 */
export async function submitOne(client: FarmClient, submission: Submission, shared: SharedInputs): Promise<JobView> {
  const { spec, portraitPath, portraitSha256, again } = shared;
  if ((await stat(submission.speechPath)).size === 0) throw new EmptySpeechError(submission.speechPath);
  const speechSha256 = await fileSha256(submission.speechPath);
  const job = await client.submitJob({
    spec,
    portraitPath,
    speechPath: submission.speechPath,
    ...(again ? {} : { idempotencyKey: contentIdempotencyKey({ spec, portraitSha256, speechSha256 }) }),
  });
  return job.status === 'failed' || job.status === 'canceled' ? client.retryJob(job.id) : job;
}
