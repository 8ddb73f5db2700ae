import { FarmError, type JobStatus } from '@farm/contracts';

export class JobNotFoundError extends FarmError {
  /** Also for a job that belongs to someone else. */
  constructor(jobId: string) {
    super('job-not-found', `There is no job ${JSON.stringify(jobId)} among yours.`);
  }
}

export class JobEndedError extends FarmError {
  constructor(jobStatus: string) {
    super('job-ended', `The job has ${jobStatus}; there is nothing to cancel.`, { data: { jobStatus } });
  }
}

export class JobNotRetriableError extends FarmError {
  /** @param jobStatus a job's status, `stopping` or `shrunk` */
  constructor(jobStatus: string) {
    super('job-not-retriable', whyNotRetriable(jobStatus), { data: { jobStatus } });
  }
}

export class InputsGoneError extends FarmError {
  /** @param gone `portrait`, `speech` or both */
  constructor(gone: readonly string[]) {
    const what = gone.join(' and the ');
    super(
      'inputs-gone',
      `The ${what} of this job ${gone.length > 1 ? 'are' : 'is'} no longer in storage. Submit it again.`,
      {
        data: { gone },
      },
    );
  }
}

function whyNotRetriable(jobStatus: string): string {
  if (jobStatus === 'stopping') return 'Its workers are still stopping; try again in a second.';
  if (jobStatus === 'shrunk') return 'It ended too long ago to continue; submit it again.';
  return `The job is ${jobStatus}; only failed and canceled jobs can be retried.`;
}

export class JobNotEndedError extends FarmError {
  constructor(jobStatus: string) {
    super('job-not-ended', `The job is ${jobStatus}. Cancel it, and delete it when it has ended.`, {
      data: { jobStatus },
    });
  }
}

export class NoVideoError extends FarmError {
  constructor(jobStatus: 'failed' | 'canceled', file: string) {
    const ended = jobStatus === 'failed' ? 'failed' : 'been canceled';
    super('no-video', `The job has ${ended}; there is no ${file}. Retry it to get one.`, { data: { jobStatus } });
  }
}

export class VideoNotReadyError extends FarmError {
  constructor(jobStatus: JobStatus, file: string) {
    super('video-not-ready', `The job is ${jobStatus}; the ${file} is available once it has succeeded.`, {
      data: { jobStatus },
    });
  }
}

export class NoPosterError extends FarmError {
  constructor() {
    super('no-poster', 'This video has no poster.');
  }
}

export class VideoLostError extends FarmError {
  constructor(file: string) {
    super('video-not-ready', `The stored ${file} was lost; it is being made again from the rendered pieces.`, {
      data: { jobStatus: 'running' },
    });
  }
}
