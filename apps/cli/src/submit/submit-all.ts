import { ApiError, ApiUnreachableError, type FarmClient, UnexpectedResponseError } from '@farm/client';
import type { JobView } from '@farm/contracts';
import pLimit from 'p-limit';
import { watchAndSave } from '../watch-and-save.js';
import type { Outcome } from './outcome.js';
import type { Submission } from './plan-submissions.js';
import { isUpToDate, type SharedInputs, submitOne } from './submit-one.js';
import type { SubmitReporter } from './submit-reporter.js';

export interface SubmittedFile {
  readonly submission: Submission;
  /** Undefined if Ctrl-C came first. */
  outcome: Outcome | undefined;
  job: JobView | undefined;
}

export interface SubmitAllOptions {
  readonly client: FarmClient;
  readonly submissions: readonly Submission[];
  readonly shared: SharedInputs;
  readonly watch: boolean;
  readonly signal: AbortSignal;
  readonly reporter: Pick<SubmitReporter, 'onUpdate' | 'onOutcome'>;
}

const UPLOADS_AT_ONCE = 2;
/** Each watched job holds a connection; the farm starts jobs roughly in the order in which they were submitted. */
const WATCHED_AT_ONCE = 50;

/**
 * Submits every file, watches the jobs and saves their videos. A file that fails does not stop the others; a farm that
 * is unavailable or a key that is refused does. @throws that failure, or the signal's reason; `files` then shows how far
 * it got.
 */
export async function submitAll(options: SubmitAllOptions, files: SubmittedFile[]): Promise<void> {
  const uploads = pLimit(UPLOADS_AT_ONCE);
  const watches = pLimit(WATCHED_AT_ONCE);
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  files.push(...options.submissions.map((submission) => ({ submission, outcome: undefined, job: undefined })));
  const work = files.map(async (file) => {
    try {
      file.outcome = await uploads(() => begin(file, options, signal));
      if (file.outcome.kind === 'submitted' && options.watch) {
        file.outcome = await watches(() => finish(file, options, signal));
      }
    } catch (error) {
      if (signal.aborted) return;
      if (concernsAll(error) || !(error instanceof Error)) {
        stop.abort();
        throw error;
      }
      file.outcome = { kind: 'failed', error, job: file.job };
    }
    options.reporter.onOutcome(file.submission, file.outcome);
  });
  const failed = (await Promise.allSettled(work)).find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  options.signal.throwIfAborted();
}

async function begin(file: SubmittedFile, options: SubmitAllOptions, signal: AbortSignal): Promise<Outcome> {
  signal.throwIfAborted();
  const { submission } = file;
  if (!options.shared.again && (await isUpToDate(submission, options.shared.portraitPath))) return { kind: 'skipped' };
  file.job = await submitOne(options.client, submission, options.shared);
  options.reporter.onUpdate(submission, file.job);
  return { kind: 'submitted', job: file.job };
}

async function finish(file: SubmittedFile, options: SubmitAllOptions, signal: AbortSignal): Promise<Outcome> {
  const { submission } = file;
  const jobId = file.job?.id ?? '';
  const onUpdate = (job: JobView) => {
    file.job = job;
    options.reporter.onUpdate(submission, job);
  };
  const outPath = submission.outPath?.replaceAll('{id}', () => jobId);
  const { job, savedTo } = await watchAndSave(options.client, { jobId, outPath }, { signal, onUpdate });
  return { kind: 'made', job, savedTo };
}

/** Codes of refusals that are about the portrait or the settings, which all files share. */
const sharedInputCodes = /^(portrait-|invalid-|unknown-field$|not-supported-yet$|too-large-for-every-class$)/;

/** A failure that the next file would meet, too. */
function concernsAll(error: unknown): boolean {
  if (error instanceof ApiError) {
    return [401, 403, 429, 503, 507].includes(error.status) || sharedInputCodes.test(error.code);
  }
  return error instanceof ApiUnreachableError || error instanceof UnexpectedResponseError;
}
