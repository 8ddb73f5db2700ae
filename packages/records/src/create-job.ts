import { FarmError, type ResolvedSpec, type VramClass, type Warning } from '@farm/contracts';
import { ulid } from 'ulid';
import { checkMemory } from './memory-guard.js';
import { RECORD_SCHEMA, type StoredInput } from './records.js';
import { type RecordsContext, ticketsFrom } from './records-context.js';
import { Script } from './script.js';

export interface NewJob {
  id: string;
  owner: string;
  spec: ResolvedSpec;
  vramClass: VramClass;
  portrait: StoredInput;
  speech: StoredInput;
  warnings: Warning[];
  /** Repeating a key within a day gives the first job back instead of a second one. */
  idempotency?: { key: string; bodySha256: string };
  /** Jobs of this owner that may be under way at once, this one included; no limit when absent. */
  maximumUnendedJobs?: number;
}

export type CreateJobOutcome = { created: true; jobId: string } | { created: false; jobId: string };

const IDEMPOTENCY_SECONDS = 24 * 3600;

const script = new Script(`
local job, owner, idempotency_key, body, ttl = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
-- The reply to an earlier call may have been lost on a broken connection.
if redis.call('EXISTS', P .. 'job:' .. job) == 1 then return {'created', job} end
local idempotency = P .. 'idempotency:' .. owner .. ':' .. idempotency_key
if idempotency_key ~= '' then
  local before = redis.call('HMGET', idempotency, 'jobId', 'body')
  if before[1] and redis.call('EXISTS', P .. 'job:' .. before[1]) == 1 then
    if before[2] ~= body then return {'differs', before[1]} end
    return {'repeated', before[1]}
  end
end
if ARGV[8] ~= '' then
  local unended = 0
  for _, status in ipairs({'preparing', 'queued', 'running', 'paused', 'canceling'}) do
    unended = unended + redis.call('ZCARD', P .. 'jobs:' .. owner .. ':' .. status)
  end
  if unended >= tonumber(ARGV[8]) then return {'over-quota', '', unended} end
end
if idempotency_key ~= '' then
  redis.call('HSET', idempotency, 'jobId', job, 'body', body)
  redis.call('EXPIRE', idempotency, ttl)
end
local task = job .. '-prepare'
local order = ARGV[6] * 1e13 + (ARGV[7] ~= '' and ARGV[7] or now + 7 * 86400000)
redis.call('HSET', P .. 'job:' .. job, 'id', job, 'owner', owner, 'createdAt', now, 'status', 'preparing',
  'runningAttempts', 0, 'framesCommitted', 0, 'order', order, unpack(ARGV, 9))
redis.call('HSET', P .. 'task:' .. task, 'schema', ${RECORD_SCHEMA}, 'id', task, 'jobId', job, 'kind', 'prepare', 'owner', owner,
  'taskClass', 'host', 'engine', '', 'warmKey', '', 'order', string.format('%.0f', order))
redis.call('RPUSH', P .. 'job:' .. job .. ':tasks', task)
for _, scope in ipairs({owner, '*'}) do
  redis.call('ZADD', P .. 'jobs:' .. scope .. ':all', now, job)
  redis.call('ZADD', P .. 'jobs:' .. scope .. ':preparing', now, job)
end
redis.call('SADD', P .. 'live-jobs', job)
add_event('job-preparing', job)
return {'created', job, make_ready(task, 0)}
`);

export const newJobId = (): string => ulid().toLowerCase();

/** Writes the record and makes its `prepare` task ready, in one step. */
export async function createJob(context: RecordsContext, job: NewJob): Promise<CreateJobOutcome> {
  await checkMemory(context.redis);
  const reply = (await script.run(
    context.redis,
    job.id,
    job.owner,
    job.idempotency?.key ?? '',
    job.idempotency?.bodySha256 ?? '',
    IDEMPOTENCY_SECONDS,
    job.spec.priority,
    job.spec.dueAt ? Date.parse(job.spec.dueAt) : '',
    job.maximumUnendedJobs ?? '',
    ...Object.entries({
      schema: RECORD_SCHEMA,
      spec: JSON.stringify(job.spec),
      vramClass: job.vramClass,
      portrait: JSON.stringify(job.portrait),
      speech: JSON.stringify(job.speech),
      warnings: JSON.stringify(job.warnings),
    }).flat(),
  )) as [string, string, unknown?];
  const [outcome, jobId, ticket] = reply;
  if (outcome === 'differs')
    throw new FarmError(
      'idempotency-key-reused',
      `The Idempotency-Key ${JSON.stringify(job.idempotency?.key)} was used for job ${jobId} with other contents. ` +
        'Use a new key for a new job.',
      { status: 422, data: { jobId } },
    );
  if (outcome === 'over-quota')
    throw new FarmError(
      'quota-exceeded',
      `${job.owner} has ${ticket} jobs under way, and the limit unendedJobs is ${job.maximumUnendedJobs}. Wait until some ` +
        'have ended, or cancel some.',
      { status: 429, data: { limit: 'unendedJobs', maximum: job.maximumUnendedJobs, used: ticket } },
    );
  if (outcome === 'repeated') return { created: false, jobId };
  // The job is recorded: a ticket that cannot be added now comes with the next sweep, and is no failure of the submit.
  if (ticket) await context.enqueue(ticketsFrom([ticket])).catch(() => {});
  return { created: true, jobId };
}
