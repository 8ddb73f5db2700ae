import { createHash } from 'node:crypto';
import { checkMemory, createJob, getOwnerLimits, isRedisUnavailable, type NewJob, newJobId } from '@farm/records';
import type { Services } from '../services.js';
import { judgeInputs } from './judge-inputs.js';
import { receiveJson } from './receive-json.js';
import { receiveParts } from './receive-parts.js';
import { resolveSpec } from './resolve-spec.js';
import type { IncomingJob, ReceivedJob, Submission } from './submission.js';

export interface SubmitOutcome {
  jobId: string;
  created: boolean;
}

/**
 * Accepts a job: the spec read, inputs stored and judged, defaults and class resolved, the record written. On any failure
 * nothing of it stays.
 */
export async function submitJob(services: Services, submission: Submission): Promise<SubmitOutcome> {
  const { owner, body, signal } = submission;
  const { redis } = services.records;
  const job: IncomingJob = { id: newJobId(), owner, signal, storedKeys: new Set() };
  let mayBeRecorded = false;
  let keep = false;
  try {
    await checkMemory(redis);
    const received =
      'parts' in body ? await receiveParts(services, body.parts, job) : await receiveJson(services, body.json, job);
    const newJob = { id: job.id, ...(await resolveJob(services, received, submission)) };
    await checkMemory(redis);
    signal.throwIfAborted();
    mayBeRecorded = true;
    const outcome = await createJob(services.records, newJob);
    keep = outcome.created;
    return outcome;
  } catch (error) {
    // Inputs of a job that may have been recorded, though the reply got lost, are left to the sweep.
    keep = mayBeRecorded && isRedisUnavailable(error);
    throw error;
  } finally {
    if (!keep) await removeStored(services, job, submission);
  }
}

async function resolveJob(
  services: Services,
  received: ReceivedJob,
  { owner, idempotencyKey, signal }: Submission,
): Promise<Omit<NewJob, 'id'>> {
  const { spec, portrait, speech } = received;
  const judged = await judgeInputs(services, { portraitKey: portrait.key, speechKey: speech.key, signal });
  const limits = await getOwnerLimits(services.records.redis, owner);
  const resolved = await resolveSpec(services.records, spec, judged);
  return {
    owner,
    spec: resolved.spec,
    vramClass: resolved.vramClass,
    portrait,
    speech,
    warnings: [...judged.warnings, ...resolved.warnings],
    maximumUnendedJobs: limits.unendedJobs ?? services.configuration.limits.unendedJobs,
    ...(idempotencyKey !== undefined && { idempotency: { key: idempotencyKey, bodySha256: bodyHash(received) } }),
  };
}

function bodyHash({ spec, portrait, speech }: ReceivedJob): string {
  // The former names of the parts, so that a key that was used before an upgrade still matches its repeat.
  const contents = { spec, image: portrait.sha256, audio: speech.sha256 };
  return createHash('sha256').update(JSON.stringify(contents, withSortedKeys)).digest('hex');
}

/** For JSON.stringify: the same members in another order are the same contents. */
const withSortedKeys = (_key: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;

async function removeStored({ storage }: Services, { storedKeys }: IncomingJob, { log }: Submission): Promise<void> {
  const keys = [...storedKeys];
  try {
    await storage.delete(keys);
  } catch (error) {
    log.warn({ err: error, keys }, 'refused inputs stay until the sweep');
  }
}
