import { recordedError } from '@farm/contracts';
import { RECORD_SCHEMA } from '../record-schema.js';
import { type RecordsContext, ticketsFrom } from '../records-context.js';
import { Script } from '../redis/script.js';
import { getTask, getTasks } from '../tasks/get-task.js';
import type { PrepareResult } from '../tasks/task-record.js';
import { warmKeyOf } from '../tasks/warm-key.js';
import { SpeechCutDifferentlyError } from './errors.js';
import { getJob } from './get-job.js';
import type { JobRecord } from './job-record.js';

/** Creates the render tasks, ready, and the pending `assemble`, once. */
const planScript = new Script({
  name: 'planRenders',
  arguments: {
    jobId: 'text',
    prepareAttempt: 'text',
    frameCount: 'number',
    warnings: 'text',
    renderClass: 'text',
    engine: 'text',
    warmKey: 'text',
  },
  list: { name: 'segments', columns: ['taskId', 'firstFrame', 'frameCount', 'plan'] },
  body: `
-- Keys: job:<job> and :tasks, task:<job>-prepare, task:<task> of each new one, ready:<class>, jobs:<owner>:<status>, events
local key = P .. 'job:' .. job_id
local status = redis.call('HGET', key, 'status')
if status == 'queued' or status == 'running' then return ready_tickets(job_id) end
local prepare = redis.call('HMGET', P .. 'task:' .. job_id .. '-prepare', 'status', 'attemptId')
-- A prepare that has been reopened since the planner read it will have another result.
if status ~= 'preparing' or prepare[1] ~= 'succeeded' or prepare[2] ~= prepare_attempt then return {} end
local row = redis.call('HMGET', key, 'order', 'owner')
local order, owner = row[1], row[2]
local function add(id, kind, class, segment)
  local is_render = kind == 'render'
  redis.call('HSET', P .. 'task:' .. id, 'schema', ${RECORD_SCHEMA}, 'id', id, 'jobId', job_id, 'kind', kind, 'owner', owner,
    'status', 'pending', 'taskClass', class, 'engine', is_render and engine or '', 'warmKey', is_render and warm_key or '',
    'order', order, 'firstFrame', segment.first_frame, 'frameCount', segment.frame_count, 'framesCommitted', 0,
    'failures', 0, 'segment', segment.plan)
  redis.call('RPUSH', key .. ':tasks', id)
end
local tickets = {}
for i, segment in ipairs(segments) do
  tickets[i] = segment.task_id
  add(tickets[i], 'render', render_class, segment)
end
add(job_id .. '-assemble', 'assemble', 'media', {first_frame = 0, frame_count = frame_count, plan = ''})
redis.call('HSET', key, 'frameCount', frame_count, 'warnings', warnings, 'rendersLeft', #segments)
for i, id in ipairs(tickets) do tickets[i] = make_ready(id, 0) end
move_job(job_id, 'queued')
return tickets
`,
});

/** After a `prepare` that ran again: renders get the keys of the new files, and those that waited for them are ready. */
const replanScript = new Script({
  name: 'planRendersAgain',
  arguments: { jobId: 'text', prepareAttemptId: 'text', error: 'text' },
  list: { name: 'segments', columns: ['taskId', 'firstFrame', 'frameCount', 'plan'] },
  body: `
-- Keys: job:<job> and :tasks, task:<task> of each render and of the prepare, ready:<class>, jobs:<owner>:<status>,
-- live-jobs, ended-jobs, events
local key = P .. 'job:' .. job_id
local row = redis.call('HMGET', key, 'replan', 'status')
if row[2] ~= 'queued' and row[2] ~= 'running' then return {} end
if row[1] ~= '1' then return ready_tickets(job_id) end
local prepare = redis.call('HMGET', P .. 'task:' .. job_id .. '-prepare', 'status', 'attemptId')
if prepare[1] ~= 'succeeded' or prepare[2] ~= prepare_attempt_id then return {} end
redis.call('HDEL', key, 'replan')
local fits = redis.call('LLEN', key .. ':tasks') - 2 == #segments
for _, segment in ipairs(segments) do
  local range = redis.call('HMGET', P .. 'task:' .. segment.task_id, 'firstFrame', 'frameCount')
  fits = fits and range[1] == segment.first_frame and range[2] == segment.frame_count
end
-- The committed pieces would not fit.
if not fits then
  fail_job(job_id, error)
  return {}
end
for _, segment in ipairs(segments) do
  local task_key = P .. 'task:' .. segment.task_id
  local status = redis.call('HGET', task_key, 'status')
  if status ~= 'running' and status ~= 'succeeded' then redis.call('HSET', task_key, 'segment', segment.plan) end
  if status == 'pending' then make_ready(segment.task_id, 0) end
end
return ready_tickets(job_id)
`,
});

const readyScript = new Script({
  name: 'readyAssembly',
  arguments: { jobId: 'text' },
  body: `
-- Keys: job:<job> and :tasks, task:<task> of each, ready:<class>, events
local task = job_id .. '-assemble'
if redis.call('HGET', P .. 'task:' .. task, 'status') ~= 'pending' then return {ready_ticket(task)} end
-- The job may have been canceled and retried since the planner read it.
if not has_all_pieces(job_id) then return {} end
return {make_ready(task, 0)}
`,
});

const succeedScript = new Script({
  name: 'succeedJob',
  arguments: { jobId: 'text' },
  body: `
-- Keys: job:<job> and :tasks, task:<task> of each, jobs:<owner>:<status>, live-jobs, ended-jobs, events
local assemble = redis.call('HMGET', P .. 'task:' .. job_id .. '-assemble', 'status', 'result')
if assemble[1] ~= 'succeeded' or not has_all_pieces(job_id) then return end
redis.call('HSET', P .. 'job:' .. job_id, 'video', assemble[2], 'formerVideo', '')
move_job(job_id, 'succeeded')
`,
});

const renderTaskId = (jobId: string, index: number) => `${jobId}-render-${String(index).padStart(5, '0')}`;

/**
 * The only planner: reads the record and makes ready what can be ready. It may be called any number of times, by
 * commits and by the sweep. What it decides from may have changed since it was read, so every script checks it again.
 */
export async function advance(context: RecordsContext, jobId: string): Promise<void> {
  const job = await getJob(context, jobId);
  if (job?.status === 'preparing') await planRenders(context, job);
  if (job?.replan) await planAgain(context, job);
  if (job?.status === 'running' && job.rendersLeft === 0) await planAssembly(context, jobId);
}

async function planRenders(context: RecordsContext, job: JobRecord): Promise<void> {
  const prepare = await getTask(context, `${job.id}-prepare`);
  if (prepare?.status !== 'succeeded') return;
  const found = prepare.result as PrepareResult;
  const segments = found.segments.map((segment, index) => {
    const { firstFrame, frameCount } = segment;
    return { taskId: renderTaskId(job.id, index), firstFrame, frameCount, plan: JSON.stringify(segment) };
  });
  const plan = {
    jobId: job.id,
    prepareAttempt: prepare.attemptId ?? '',
    frameCount: found.frameCount,
    warnings: JSON.stringify([...job.warnings, ...found.warnings]),
    renderClass: job.vramClass,
    engine: job.spec.engine,
    warmKey: warmKeyOf(job),
  };
  await context.enqueue(ticketsFrom(await planScript.run(context.redis, plan, segments)));
}

async function planAgain(context: RecordsContext, job: JobRecord): Promise<void> {
  const tasks = await getTasks(context, job.id);
  const prepare = tasks.find((task) => task.kind === 'prepare');
  if (prepare?.status !== 'succeeded' || !prepare.attemptId) return;
  const renders = tasks.filter((task) => task.kind === 'render');
  const segments = (prepare.result as PrepareResult).segments.map((segment, index) => {
    const { firstFrame, frameCount } = segment;
    // Half of it may be rendered: the seed stays, whatever decoded the speech this time.
    const seed = renders[index]?.segment?.seed ?? segment.seed;
    const taskId = renderTaskId(job.id, index);
    return { taskId, firstFrame, frameCount, plan: JSON.stringify({ ...segment, seed }) };
  });
  const error = JSON.stringify(recordedError(new SpeechCutDifferentlyError()));
  const plan = { jobId: job.id, prepareAttemptId: prepare.attemptId, error };
  await context.enqueue(ticketsFrom(await replanScript.run(context.redis, plan, segments)));
}

async function planAssembly(context: RecordsContext, jobId: string): Promise<void> {
  const assemble = await getTask(context, `${jobId}-assemble`);
  if (assemble?.status === 'pending') {
    await context.enqueue(ticketsFrom(await readyScript.run(context.redis, { jobId })));
  } else if (assemble?.status === 'succeeded') {
    await succeedScript.run(context.redis, { jobId });
  }
}
