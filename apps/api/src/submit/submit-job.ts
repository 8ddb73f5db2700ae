import { createHash } from 'node:crypto';
import { FarmError } from '@farm/contracts';
import { type ApiKeyRecord, checkMemory, createJob, getOwnerLimits, isRedisUnavailable, newJobId } from '@farm/records';
import type { FastifyRequest } from 'fastify';
import type { Services } from '../services.js';
import { judgeInputs } from './judge-inputs.js';
import { liveWorkers } from './live-workers.js';
import { receiveJson } from './receive-json.js';
import { type ReceivedJob, receiveParts, type StoredKeys } from './receive-parts.js';
import { resolveSpec } from './resolve-spec.js';

const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,128}$/;

export interface SubmitOutcome {
  jobId: string;
  created: boolean;
}

/**
 * Takes a job in: inputs to storage, headers judged, defaults and class resolved, the record written. Whatever fails on
 * the way, nothing of it stays.
 */
export async function submitJob(
  services: Services,
  request: FastifyRequest,
  caller: ApiKeyRecord,
): Promise<SubmitOutcome> {
  const idempotencyKey = idempotencyKeyOf(request);
  const id = newJobId();
  const stored: StoredKeys = new Set();
  const gone = new AbortController();
  request.raw.once('close', () => {
    if (!request.raw.complete) gone.abort(new FarmError('upload-aborted', 'The client went away.', { status: 400 }));
  });
  const { signal } = gone;
  // Inputs of a job that may have been recorded, though the reply got lost, are left to the sweep.
  const job = { id, caller, idempotencyKey, signal, mayBeRecorded: false };
  let keep = false;
  try {
    await checkMemory(services.records.redis);
    const received = request.isMultipart()
      ? await receiveParts(services, request, { id, stored, signal })
      : await receiveJson(services, request.body, { id, caller, stored, signal });
    const outcome = await acceptJob(services, received, job);
    keep = outcome.created;
    return outcome;
  } catch (error) {
    keep = job.mayBeRecorded && isRedisUnavailable(error);
    throw error;
  } finally {
    if (!keep) await removeStored(services, request, stored);
  }
}

function idempotencyKeyOf(request: FastifyRequest): string | undefined {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key === 'string' && IDEMPOTENCY_KEY.test(key)) return key;
  throw new FarmError('bad-idempotency-key', 'Idempotency-Key has 1 to 128 printable ASCII characters, no spaces.', {
    status: 400,
  });
}

async function acceptJob(
  services: Services,
  received: ReceivedJob,
  job: {
    id: string;
    caller: ApiKeyRecord;
    idempotencyKey: string | undefined;
    signal: AbortSignal;
    mayBeRecorded: boolean;
  },
): Promise<SubmitOutcome> {
  const { id, caller, idempotencyKey, signal } = job;
  const judged = await judgeInputs(services, { imageKey: received.image.key, audioKey: received.audio.key, signal });
  const limits = await getOwnerLimits(services.records.redis, caller.owner);
  const resolved = resolveSpec(received.spec, judged, await liveWorkers(services.records));
  await checkMemory(services.records.redis);
  signal.throwIfAborted();
  job.mayBeRecorded = true;
  return await createJob(services.records, {
    id,
    owner: caller.owner,
    spec: resolved.spec,
    vramClass: resolved.vramClass,
    portrait: received.image,
    speech: received.audio,
    warnings: [...judged.warnings, ...resolved.warnings],
    maximumUnendedJobs: limits.unendedJobs ?? services.configuration.limits.unendedJobs,
    ...(idempotencyKey !== undefined && {
      idempotency: { key: idempotencyKey, bodySha256: bodyHash(received) },
    }),
  });
}

function bodyHash({ spec, image, audio }: ReceivedJob): string {
  const contents = { spec, image: image.sha256, audio: audio.sha256 };
  return createHash('sha256').update(JSON.stringify(contents, withSortedKeys)).digest('hex');
}

/** For JSON.stringify: the same members in another order are the same contents. */
const withSortedKeys = (_key: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;

async function removeStored({ storage }: Services, request: FastifyRequest, stored: StoredKeys): Promise<void> {
  try {
    await storage.delete([...stored]);
  } catch (error) {
    request.log.warn({ err: error, keys: [...stored] }, 'refused inputs stay until the sweep');
  }
}
