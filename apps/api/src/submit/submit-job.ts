import { FarmError } from '@farm/contracts';
import { checkMemory, createJob, getOwnerLimits, newJobId } from '@farm/records';
import type { Services } from '../services.js';
import { judgeInputs } from './judge-inputs.js';
import { type IncomingJob, receiveJob } from './receive-job.js';
import { resolveSpec } from './resolve-spec.js';
import type { Submission } from './submission.js';

export interface SubmitOutcome {
  jobId: string;
  created: boolean;
}

/**
 * Accepts a job: the spec read, inputs stored and judged, defaults and class resolved, the record written. Of a refused
 * job nothing is kept.
 */
export async function submitJob(services: Services, submission: Submission): Promise<SubmitOutcome> {
  const { configuration, records, storage } = services;
  const { owner, idempotencyKey, parts, signal, log } = submission;
  const job: IncomingJob = { id: newJobId(), signal, storedKeys: new Set() };
  let mayBeRecorded = false;
  let keep = false;
  try {
    await checkMemory(records.redis);
    const { spec, portrait, speech, bodySha256 } = await receiveJob(services, parts, job);
    const judged = await judgeInputs(services, { portraitKey: portrait.key, speechKey: speech.key, signal });
    const resolved = await resolveSpec(records, spec, judged);
    const limits = { ...configuration.limits, ...(await getOwnerLimits(records.redis, owner)) };
    await checkMemory(records.redis);
    signal.throwIfAborted();
    mayBeRecorded = true;
    const outcome = await createJob(records, {
      id: job.id,
      owner,
      spec: resolved.spec,
      vramClass: resolved.vramClass,
      portrait,
      speech,
      warnings: [...judged.warnings, ...resolved.warnings],
      maximumUnendedJobs: limits.unendedJobs,
      ...(idempotencyKey && { idempotency: { key: idempotencyKey, bodySha256 } }),
    });
    keep = outcome.created;
    return outcome;
  } catch (error) {
    // Only the farm's own refusal says that no job was recorded. After any other failure the reply may just have got lost.
    keep = mayBeRecorded && !(error instanceof FarmError);
    throw error;
  } finally {
    const keys = [...job.storedKeys];
    if (!keep)
      await storage.delete(keys).catch((error: unknown) => {
        log.warn({ err: error, keys }, 'refused inputs stay until the sweep');
      });
  }
}
