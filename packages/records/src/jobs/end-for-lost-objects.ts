import type { RecordedError } from '@farm/contracts';
import { type RecordsContext, ticketsFrom } from '../records-context.js';
import { Script } from '../redis/script.js';
import { getAttempt } from '../tasks/get-attempt.js';
import { getPieces } from '../tasks/get-pieces.js';
import { getTasks } from '../tasks/get-task.js';
import { taskFailures } from '../tasks/task-failures.js';
import type { PrepareResult, TaskRecord } from '../tasks/task-record.js';
import { workerFailures } from '../workers/worker-failures.js';
import { advance } from './advance.js';
import { getJob } from './get-job.js';

/** How often a job has lost objects made again: a storage that loses everything must not keep a job for ever. */
export const MAX_RECOVERIES = 20;

/** An object that an attempt needed and could not use. */
export interface LostObject {
  readonly key: string;
  /** What is missing is missing for everybody; bytes that differ may have been changed on their way, or by that machine. */
  readonly found: 'missing' | 'corrupt';
}

/** What made a lost object, and so what runs again. Nothing can make an input again. */
interface Source extends LostObject {
  kind: 'input' | 'prepare' | 'piece';
  taskId: string;
  /** Of a piece: its place among the task's pieces. */
  index: number;
  /** What was found there, so that nothing newer is made again: the piece's record, or the attempt that prepared. */
  seen: string;
}

const script = new Script({
  name: 'endForLostObjects',
  arguments: { attemptId: 'text', lost: 'text', error: 'text', metrics: 'text' },
  list: { name: 'sources', columns: ['kind', 'taskId', 'index', 'seen', 'key', 'found'] },
  body: `
${workerFailures}
${taskFailures}
-- Keys: attempt:<attempt>, leases, task:<task>, and each source's with its :pieces, :excluded and :failed-on, job:<job>,
-- worker:<worker> of those that failed it and :attempts, running-by-owner, events; of a task that is ready again
-- ready:<class>; when the job ends jobs:<owner>:<status>, live-jobs, ended-jobs
local attempt_key = P .. 'attempt:' .. attempt_id
local row = redis.call('HMGET', attempt_key, 'status', 'taskId', 'jobId', 'lostObjects', 'workerId')
local attempt_status, task, job, lost_before, worker = row[1], row[2], row[3], row[4], row[5]
-- The reply to an earlier call may have been lost: the same loss gets the same answer.
if attempt_status ~= 'running' then
  if lost_before ~= lost then return {'fenced'} end
  return {'ended', job, ready_tickets(job)}
end
local key, job_key = P .. 'task:' .. task, P .. 'job:' .. job
end_attempt(attempt_id, 'failed', error, metrics)
redis.call('HSET', attempt_key, 'lostObjects', lost, 'failureClass', 'storage')
if ended_with_job(task, attempt_id) then return {'ended', job, {}} end

-- One machine that reads wrongly must not have intact objects made again: what only it found corrupt is its own failure.
local doubted, believed = {}, {}
local function is_confirmed(source)
  local code = 'object-corrupt ' .. source.key
  note_failure(key, worker, code, false)
  return failed_alike(key, worker, code, slot_of(task))
end
for _, source in ipairs(sources) do
  local list = (source.found == 'missing' or is_confirmed(source)) and believed or doubted
  list[#list + 1] = source
end
if #believed == 0 and #doubted > 0 then
  redis.call('HSET', attempt_key, 'failureClass', 'machine')
  note_failure(key, worker, 'object-corrupt ' .. doubted[1].key, true)
  local ends, delay = count_failure(task, job, worker, {class = 'machine', code = '', error = error})
  if not ends then return {'ended', job, {make_ready(task, delay)}} end
  redis.call('HSET', key, 'status', 'failed')
  fail_job(job, error)
  return {'ended', job, {}}
end
add_event('object-lost', job, task, attempt_id, '', 'keys', lost)
-- While a prepare runs again, every render may find the same file missing: that is one loss.
local is_known = redis.call('HGET', job_key, 'replan') == '1'
local hopeless = not is_known and redis.call('HINCRBY', job_key, 'recoveries', 1) > ${MAX_RECOVERIES}
for _, source in ipairs(believed) do hopeless = hopeless or source.kind == 'input' end
if hopeless then
  redis.call('HSET', key, 'status', 'failed')
  fail_job(job, error)
  return {'ended', job, {}}
end

local function run_again(source_task)
  forget_failures(P .. 'task:' .. source_task)
  make_ready(source_task, 0)
end
local function reopen_prepare(source)
  redis.call('HSET', job_key, 'replan', 1)
  local prepare = redis.call('HMGET', P .. 'task:' .. source.task_id, 'status', 'attemptId')
  if prepare[1] == 'succeeded' and prepare[2] == source.seen then run_again(source.task_id) end
end
-- From the lost piece on: what follows it in the segment continued from it, and goes with it.
local function reopen_render(source)
  local source_key = P .. 'task:' .. source.task_id
  if redis.call('LINDEX', source_key .. ':pieces', source.index) ~= source.seen then return end
  local kept = cjson.decode(source.seen).firstFrame
  redis.call('HINCRBY', job_key, 'framesCommitted', kept - redis.call('HGET', source_key, 'framesCommitted'))
  redis.call('HSET', source_key, 'framesCommitted', kept)
  -- LTRIM 0 -1 would keep everything.
  if kept == 0 then redis.call('DEL', source_key .. ':pieces')
  else redis.call('LTRIM', source_key .. ':pieces', 0, source.index - 1) end
  if redis.call('HGET', source_key, 'status') == 'succeeded' then
    redis.call('HINCRBY', job_key, 'rendersLeft', 1)
    run_again(source.task_id)
  end
end

-- The planner makes the task ready again when it finds what the task needs.
redis.call('HSET', key, 'status', 'pending', 'attemptId', '')
for _, source in ipairs(believed) do
  if source.kind == 'prepare' then reopen_prepare(source) else reopen_render(source) end
end
-- The record points elsewhere by now: another attempt found the same loss before.
if #believed == 0 then
  local kind = redis.call('HGET', key, 'kind')
  if kind == 'render' then redis.call('HSET', job_key, 'replan', 1) end
  if kind == 'prepare' then run_again(task) end
end
return {'ended', job, ready_tickets(job)}
`,
});

/**
 * Ends an attempt that found objects of its job missing or corrupt, and has them made again: a lost piece reopens its
 * segment there, a lost prepared file the `prepare`. The task waits for that, and nothing counts as a failure. A lost
 * input fails the job. What one worker alone finds corrupt is a failure of that machine, until another worker finds the
 * same, or this one does after it has proved itself. The same call sent twice changes nothing more.
 */
export async function endForLostObjects(
  context: RecordsContext,
  attemptId: string,
  given: { lostObjects: readonly LostObject[]; error: RecordedError; metrics: Record<string, unknown> },
): Promise<'ended' | 'fenced'> {
  const sources = await sourcesOf(context, attemptId, given.lostObjects);
  const reply = await script.run(
    context.redis,
    {
      attemptId,
      lost: JSON.stringify(given.lostObjects),
      error: JSON.stringify(given.error),
      metrics: JSON.stringify(given.metrics),
    },
    sources.map((source) => ({ ...source })),
  );
  const [outcome, jobId, tickets] = reply as ['ended', string, unknown] | ['fenced'];
  if (outcome === 'fenced') return outcome;
  await context.enqueue(ticketsFrom(tickets));
  await advance(context, jobId);
  return outcome;
}

async function sourcesOf(context: RecordsContext, attemptId: string, lost: readonly LostObject[]): Promise<Source[]> {
  const attempt = await getAttempt(context, attemptId);
  const job = attempt && (await getJob(context, attempt.jobId));
  if (!job) return [];
  const inputs = lost.filter(({ key }) => key === job.portrait.key || key === job.speech.key);
  const made = (await getTasks(context, job.id)).map((task) => sourcesIn(context, task, lost));
  return [
    ...inputs.map((object): Source => ({ ...object, kind: 'input', taskId: '', index: 0, seen: '' })),
    ...(await Promise.all(made)).flat(),
  ];
}

async function sourcesIn(context: RecordsContext, task: TaskRecord, lost: readonly LostObject[]): Promise<Source[]> {
  const taskId = task.id;
  if (task.kind === 'prepare') {
    const keys = preparedKeys(task);
    const lostHere = lost.filter(({ key }) => keys.includes(key));
    return lostHere.map((object) => ({ ...object, kind: 'prepare', taskId, index: 0, seen: task.attemptId ?? '' }));
  }
  const pieces = await getPieces(context, taskId);
  return pieces.flatMap((piece, index): Source[] => {
    const object = lost.find(({ key }) => key === piece.key);
    return object ? [{ ...object, kind: 'piece', taskId, index, seen: JSON.stringify(piece) }] : [];
  });
}

function preparedKeys(task: TaskRecord): string[] {
  if (!task.result) return [];
  const { portraitKey, speech, segments } = task.result as PrepareResult;
  return [portraitKey, speech.key, ...segments.map((segment) => segment.speechKey)];
}
