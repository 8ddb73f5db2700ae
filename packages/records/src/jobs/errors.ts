import { FarmError } from '@farm/contracts';

export class IdempotencyKeyReusedError extends FarmError {
  constructor(reuse: { key: string; jobId: string }) {
    super(
      'idempotency-key-reused',
      `The Idempotency-Key ${JSON.stringify(reuse.key)} was used for job ${reuse.jobId} with other contents. ` +
        'Use a new key for a new job.',
      { data: { jobId: reuse.jobId } },
    );
  }
}

export class UnendedJobsQuotaError extends FarmError {
  constructor({ owner, used, maximum }: { owner: string; used: number; maximum: number }) {
    super(
      'quota-exceeded',
      `${owner} has ${used} jobs under way, and the limit unendedJobs is ${maximum}. Wait until some have ended, or ` +
        'cancel some.',
      { data: { limit: 'unendedJobs', maximum, used } },
    );
  }
}

export class SpeechCutDifferentlyError extends FarmError {
  constructor() {
    super(
      'speech-cut-differently',
      'The prepared files were lost, and the speech was now cut into other segments than those rendered so far. Submit ' +
        'the job again.',
    );
  }
}

/** The sweep took the submit for one whose process had died, and has deleted its inputs. */
export class SubmitAbandonedError extends FarmError {
  constructor() {
    super(
      'submit-abandoned',
      'Nothing was heard of this submit for too long, and its files were deleted. Send it again.',
    );
  }
}
