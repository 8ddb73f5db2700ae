import type { ResolvedSpec, VramClass, Warning } from '@farm/contracts';
import { ulid } from 'ulid';
import { RecordsLostError } from '../identity/errors.js';
import { RECORD_SCHEMA } from '../record-schema.js';
import { type RecordsContext, ticketsFrom } from '../records-context.js';
import { checkMemory } from '../redis/check-memory.js';
import { Script } from '../redis/script.js';
import { IdempotencyKeyReusedError, SubmitAbandonedError, UnendedJobsQuotaError } from './errors.js';
import type { StoredInput } from './job-record.js';

export interface NewJob {
  id: string;
  owner: string;
  spec: ResolvedSpec;
  vramClass: VramClass;
  portrait: StoredInput;
  speech: StoredInput;
  warnings: Warning[];
  /** Repeating a key within a day returns the first job instead of a second one. */
  idempotency?: { key: string; bodySha256: string };
  /** Jobs of this owner that may be under way at a time, this one included; no limit when absent. */
  maximumUnendedJobs?: number;
  /** Milliseconds since 1970, for a job that is submitted again from storage; otherwise now. */
  createdAt?: number;
}

/** `created` is false when the idempotency key had made this job before. */
export interface CreateJobOutcome {
  created: boolean;
  jobId: string;
}

const IDEMPOTENCY_SECONDS = 24 * 3600;

const script = new Script({
  name: 'createJob',
  arguments: {
    jobId: 'text',
    owner: 'text',
    priority: 'number',
    dueAt: 'optional number',
    spec: 'text',
    vramClass: 'text',
    portrait: 'text',
    speech: 'text',
    warnings: 'text',
    idempotencyKey: 'text',
    bodySha256: 'text',
    maximumUnendedJobs: 'optional number',
    farmId: 'text',
    createdAt: 'optional number',
  },
  body: `
-- Keys: storage-root, deleted-jobs, incoming-jobs, job:<job> and :tasks, task:<job>-prepare, idempotency:<owner>:<key>, jobs:<owner>:all and :<status>, live-jobs,
-- ready:media, events
created_at = created_at or now
if farm_id ~= '' and redis.call('GET', P .. 'storage-root') ~= farm_id then return {'lost', ''} end
-- The reply to an earlier call may have been lost on a broken connection.
if redis.call('EXISTS', P .. 'job:' .. job_id) == 1 then return {'created', job_id, ready_ticket(job_id .. '-prepare')} end
if redis.call('ZSCORE', P .. 'deleted-jobs', job_id) then return {'abandoned', ''} end
local idempotency = P .. 'idempotency:' .. owner .. ':' .. idempotency_key
if idempotency_key ~= '' then
  local before = redis.call('HMGET', idempotency, 'jobId', 'body')
  if before[1] and redis.call('EXISTS', P .. 'job:' .. before[1]) == 1 then
    if before[2] ~= body_sha256 then return {'differs', before[1]} end
    return {'repeated', before[1]}
  end
end
if maximum_unended_jobs then
  local unended = 0
  for _, status in ipairs({'preparing', 'queued', 'running', 'paused', 'canceling'}) do
    unended = unended + redis.call('ZCARD', P .. 'jobs:' .. owner .. ':' .. status)
  end
  if unended >= maximum_unended_jobs then return {'over-quota', '', unended} end
end
if idempotency_key ~= '' then
  redis.call('HSET', idempotency, 'jobId', job_id, 'body', body_sha256)
  redis.call('EXPIRE', idempotency, ${IDEMPOTENCY_SECONDS})
end
local task = job_id .. '-prepare'
-- Priority first, always: whatever a due date is, it stays below the step between two priorities.
local due = math.max(0, math.min(due_at or now + 7 * 86400000, 1e13 - 1))
local order = priority * 1e13 + due
redis.call('HSET', P .. 'job:' .. job_id, 'schema', ${RECORD_SCHEMA}, 'id', job_id, 'owner', owner, 'createdAt', created_at,
  'status', 'preparing', 'runningAttempts', 0, 'framesCommitted', 0, 'order', order, 'spec', spec,
  'vramClass', vram_class, 'portrait', portrait, 'speech', speech, 'warnings', warnings)
redis.call('HSET', P .. 'task:' .. task, 'schema', ${RECORD_SCHEMA}, 'id', task, 'jobId', job_id, 'kind', 'prepare',
  'owner', owner, 'taskClass', 'media', 'engine', '', 'warmKey', '', 'order', string.format('%.0f', order))
redis.call('RPUSH', P .. 'job:' .. job_id .. ':tasks', task)
for _, scope in ipairs({owner, '*'}) do
  redis.call('ZADD', P .. 'jobs:' .. scope .. ':all', created_at, job_id)
  redis.call('ZADD', P .. 'jobs:' .. scope .. ':preparing', created_at, job_id)
end
redis.call('SADD', P .. 'live-jobs', job_id)
redis.call('ZREM', P .. 'incoming-jobs', job_id)
add_event('job-preparing', job_id)
return {'created', job_id, make_ready(task, 0)}
`,
});

type Reply =
  | ['created', jobId: string, ticket?: unknown]
  | ['repeated' | 'differs', jobId: string]
  | ['over-quota', '', used: number]
  | ['lost' | 'abandoned', ''];

export const newJobId = (): string => ulid().toLowerCase();

/** Writes the record and makes its `prepare` task ready, in one step. */
export async function createJob(context: RecordsContext, job: NewJob): Promise<CreateJobOutcome> {
  await checkMemory(context.redis);
  const [outcome, jobId, detail] = await writeJob(context, job);
  if (outcome === 'lost') throw new RecordsLostError(context);
  if (outcome === 'abandoned') throw new SubmitAbandonedError();
  if (outcome === 'differs') throw new IdempotencyKeyReusedError({ key: job.idempotency?.key ?? '', jobId });
  if (outcome === 'over-quota') {
    const { owner, maximumUnendedJobs: maximum = 0 } = job;
    throw new UnendedJobsQuotaError({ owner, used: detail as number, maximum });
  }
  if (outcome === 'repeated') return { created: false, jobId };
  // The job is recorded: a ticket that cannot be added now comes with the next sweep: the submit has not failed.
  if (detail) await context.enqueue(ticketsFrom([detail])).catch(() => {});
  return { created: true, jobId };
}

async function writeJob(context: RecordsContext, job: NewJob): Promise<Reply> {
  const { id: jobId, owner, spec, vramClass, portrait, speech, warnings, idempotency, maximumUnendedJobs } = job;
  return (await script.run(context.redis, {
    jobId,
    owner,
    priority: spec.priority,
    dueAt: spec.dueAt ? Date.parse(spec.dueAt) : undefined,
    spec: JSON.stringify(spec),
    vramClass,
    portrait: JSON.stringify(portrait),
    speech: JSON.stringify(speech),
    warnings: JSON.stringify(warnings),
    idempotencyKey: idempotency?.key ?? '',
    bodySha256: idempotency?.bodySha256 ?? '',
    maximumUnendedJobs,
    farmId: context.farmId ?? '',
    createdAt: job.createdAt,
  })) as Reply;
}
