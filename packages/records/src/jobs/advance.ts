import { RECORD_SCHEMA } from '../record-schema.js';
import { type RecordsContext, ticketsFrom } from '../records-context.js';
import { Script } from '../redis/script.js';
import { getTask } from '../tasks/get-task.js';
import type { PrepareResult } from '../tasks/task-record.js';
import { warmKeyOf } from '../tasks/warm-key.js';
import { getJob } from './get-job.js';
import type { JobRecord, VideoFacts } from './job-record.js';

/** Creates the render tasks, ready, and the pending `assemble`, once. */
const planScript = new Script({
  name: 'planRenders',
  arguments: {
    jobId: 'text',
    frameCount: 'number',
    warnings: 'text',
    renderClass: 'text',
    engine: 'text',
    warmKey: 'text',
  },
  list: { name: 'segments', columns: ['firstFrame', 'frameCount', 'plan'] },
  body: `
-- Keys: job:<job> and :tasks, task:<task> of each new one, ready:<class>, jobs:<owner>:<status>, events
local key = P .. 'job:' .. job_id
if redis.call('HGET', key, 'status') ~= 'preparing' then return {} end
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
  tickets[i] = string.format('%s-render-%05d', job_id, i - 1)
  add(tickets[i], 'render', render_class, segment)
end
add(job_id .. '-assemble', 'assemble', 'media', {first_frame = 0, frame_count = frame_count, plan = ''})
redis.call('HSET', key, 'frameCount', frame_count, 'warnings', warnings, 'rendersLeft', #segments)
for i, id in ipairs(tickets) do tickets[i] = make_ready(id, 0) end
move_job(job_id, 'queued')
return tickets
`,
});

const readyScript = new Script({
  name: 'readyAssembly',
  arguments: { taskId: 'text' },
  body: `
-- Keys: task:<task>, ready:<class>, events
if redis.call('HGET', P .. 'task:' .. task_id, 'status') ~= 'pending' then return {} end
return {make_ready(task_id, 0)}
`,
});

const succeedScript = new Script({
  name: 'succeedJob',
  arguments: { jobId: 'text', video: 'text' },
  body: `
-- Keys: job:<job>, jobs:<owner>:<status>, live-jobs, ended-jobs, events
local key = P .. 'job:' .. job_id
if redis.call('HGET', key, 'status') ~= 'running' then return 0 end
redis.call('HSET', key, 'video', video)
move_job(job_id, 'succeeded')
return 1
`,
});

/**
 * The only planner: reads the record and makes ready what can be ready. It may be called any number of times, by
 * commits and by the sweep; every step checks the state it starts from.
 */
export async function advance(context: RecordsContext, jobId: string): Promise<void> {
  const job = await getJob(context, jobId);
  if (job?.status === 'preparing') await planRenders(context, job);
  if (job?.status === 'running' && job.rendersLeft === 0) await planAssembly(context, jobId);
}

async function planRenders(context: RecordsContext, job: JobRecord): Promise<void> {
  const prepare = await getTask(context, `${job.id}-prepare`);
  if (prepare?.status !== 'succeeded') return;
  const found = prepare.result as PrepareResult;
  const segments = found.segments.map((segment) => {
    const { firstFrame, frameCount } = segment;
    return { firstFrame, frameCount, plan: JSON.stringify(segment) };
  });
  const plan = {
    jobId: job.id,
    frameCount: found.frameCount,
    warnings: JSON.stringify([...job.warnings, ...found.warnings]),
    renderClass: job.vramClass,
    engine: job.spec.engine,
    warmKey: warmKeyOf(job),
  };
  await context.enqueue(ticketsFrom(await planScript.run(context.redis, plan, segments)));
}

async function planAssembly(context: RecordsContext, jobId: string): Promise<void> {
  const assemble = await getTask(context, `${jobId}-assemble`);
  if (assemble?.status === 'pending') {
    await context.enqueue(ticketsFrom(await readyScript.run(context.redis, { taskId: assemble.id })));
  } else if (assemble?.status === 'succeeded') {
    const video = JSON.stringify(assemble.result as VideoFacts);
    await succeedScript.run(context.redis, { jobId, video });
  }
}
