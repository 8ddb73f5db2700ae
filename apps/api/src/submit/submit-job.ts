import { FarmError, JobFile, objectKeys } from '@farm/contracts';
import { checkMemory, createJob, forgetSubmit, getOwnerLimits, type NewJob, newJobId, noteSubmit } from '@farm/records';
import type { Services } from '../services.js';
import { judgeInputs } from './judge-inputs.js';
import { type IncomingJob, receiveJob } from './receive-job.js';
import { resolveSpec } from './resolve-spec.js';
import type { Submission } from './submission.js';

export interface SubmitOutcome {
  jobId: string;
  created: boolean;
}

/** The sweep takes a submit that is silent for long for one whose process has died. */
const NOTE_INTERVAL_MS = 20_000;

/**
 * Accepts a job: the submit noted, the spec read, inputs stored and judged, defaults and class resolved, the record
 * written. Of a refused job nothing is kept.
 */
export async function submitJob(services: Services, submission: Submission): Promise<SubmitOutcome> {
  const { records } = services;
  const job: IncomingJob = { id: newJobId(), signal: submission.signal, storedKeys: new Set() };
  await checkMemory(records.redis);
  await noteSubmit(records, job.id);
  const notes = setInterval(() => void noteSubmit(records, job.id).catch(() => {}), NOTE_INTERVAL_MS);
  let mayBeRecorded = false;
  let keep = false;
  try {
    const accepted = await acceptJob(services, submission, job);
    submission.signal.throwIfAborted();
    clearInterval(notes);
    mayBeRecorded = true;
    const outcome = await createJob(records, accepted);
    keep = outcome.created;
    return outcome;
  } catch (error) {
    // Only the farm's own refusal says that no job was recorded. After any other failure the reply may just have got lost.
    keep = mayBeRecorded && !(error instanceof FarmError);
    throw error;
  } finally {
    clearInterval(notes);
    if (!keep) await discard(services, job, submission);
  }
}

/** Everything up to the record; what is stored then suffices to submit the job again. */
async function acceptJob(services: Services, submission: Submission, job: IncomingJob): Promise<NewJob> {
  const { configuration, records } = services;
  const { owner, idempotencyKey, parts, signal } = submission;
  const { spec, portrait, speech, bodySha256 } = await receiveJob(services, parts, job);
  const judged = await judgeInputs(services, { portraitKey: portrait.key, speechKey: speech.key, signal });
  const resolved = await resolveSpec(records, spec, judged);
  const limits = { ...configuration.limits, ...(await getOwnerLimits(records.redis, owner)) };
  await checkMemory(records.redis);
  const accepted = {
    id: job.id,
    owner,
    spec: resolved.spec,
    vramClass: resolved.vramClass,
    portrait,
    speech,
    warnings: [...judged.warnings, ...resolved.warnings],
    ...(idempotencyKey && { idempotency: { key: idempotencyKey, bodySha256 } }),
  };
  await storeJobFile(services, accepted, job);
  return { ...accepted, maximumUnendedJobs: limits.unendedJobs };
}

async function storeJobFile(
  { storage }: Services,
  accepted: NewJob,
  { storedKeys, signal }: IncomingJob,
): Promise<void> {
  const file: JobFile = JobFile.parse({ schema: 1, createdAt: new Date().toISOString(), ...accepted });
  const key = objectKeys.jobFile(accepted.id);
  storedKeys.add(key);
  await storage.put(key, Buffer.from(JSON.stringify(file)), { signal });
}

async function discard({ records, storage }: Services, job: IncomingJob, { log }: Submission): Promise<void> {
  const keys = [...job.storedKeys];
  try {
    await storage.delete(keys);
    await forgetSubmit(records, job.id);
  } catch (error) {
    log.warn({ err: error, keys }, 'refused inputs stay until the sweep');
  }
}
