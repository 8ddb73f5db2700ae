import { stat } from 'node:fs/promises';
import type { JobSpec, JobView } from '@farm/contracts';
import { contentIdempotencyKey, type FarmClient, fileSha256 } from '../client/index.js';
import { CommandError, exitCodes } from '../exit-codes.js';
import type { Submission } from './plan-submissions.js';

export interface SharedInputs {
  readonly spec: JobSpec;
  readonly imagePath: string;
  readonly imageSha256: string;
  /** Render again even where the video or the job is there already. */
  readonly again: boolean;
}

/**
 * Whether the video is there and no older than what it is made from. Videos appear under their name only when they are
 * whole, so there is nothing else to check.
 */
export async function isUpToDate(submission: Submission, imagePath: string): Promise<boolean> {
  if (submission.outPath === undefined || submission.outPath.includes('{id}')) return false;
  const video = await stat(submission.outPath).catch(() => undefined);
  if (video === undefined) return false;
  const inputs = await Promise.all([stat(submission.audioPath), stat(imagePath)]);
  return inputs.every((input) => input.mtimeMs <= video.mtimeMs);
}

/**
 * Submits one recording under a key made from its content: a job that exists is found, one that failed or was canceled
 * goes on where it stood.
 */
export async function submitOne(client: FarmClient, submission: Submission, shared: SharedInputs): Promise<JobView> {
  const { spec, imagePath, imageSha256, again } = shared;
  await refuseEmpty(submission.audioPath);
  const audioSha256 = await fileSha256(submission.audioPath);
  const job = await client.submitJob({
    spec,
    imagePath,
    audioPath: submission.audioPath,
    ...(again ? {} : { idempotencyKey: contentIdempotencyKey({ spec, imageSha256, audioSha256 }) }),
  });
  return job.status === 'failed' || job.status === 'canceled' ? client.retryJob(job.id) : job;
}

/** Better said here than after an upload. */
async function refuseEmpty(path: string): Promise<void> {
  if ((await stat(path)).size > 0) return;
  const message = `${path} is empty (0 bytes). Was the recording copied to its end?`;
  throw new CommandError({ code: 'audio-empty', exitCode: exitCodes.refused, message });
}
