import { getJob, getTask } from './read.js';
import { type JobRecord, type PrepareResult, RECORD_SCHEMA, type VideoFacts } from './records.js';
import { type RecordsContext, ticketsFrom } from './records-context.js';
import { Script } from './script.js';

/** Creates the render tasks, ready, and the pending `assemble`, once. */
const planScript = new Script(`
local job, frame_count, warnings, render_class, engine, warm_key = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local key = P .. 'job:' .. job
if redis.call('HGET', key, 'status') ~= 'preparing' then return {} end
local row = redis.call('HMGET', key, 'order', 'owner')
local tickets = {}
local function add(id, kind, class, first, frames, segment)
  redis.call('HSET', P .. 'task:' .. id, 'schema', ${RECORD_SCHEMA}, 'id', id, 'jobId', job, 'kind', kind, 'owner', row[2],
    'status', 'pending', 'taskClass', class, 'engine', kind == 'render' and engine or '',
    'warmKey', kind == 'render' and warm_key or '', 'order', row[1], 'firstFrame', first, 'frameCount', frames,
    'framesCommitted', 0, 'failures', 0, 'segment', segment)
  redis.call('RPUSH', key .. ':tasks', id)
end
local count = 0
for i = 7, #ARGV, 3 do
  local id = string.format('%s-render-%05d', job, count)
  add(id, 'render', render_class, ARGV[i], ARGV[i + 1], ARGV[i + 2])
  count = count + 1
  tickets[count] = id
end
add(job .. '-assemble', 'assemble', 'host', 0, frame_count, '')
redis.call('HSET', key, 'frameCount', frame_count, 'warnings', warnings, 'rendersLeft', count)
for i, id in ipairs(tickets) do tickets[i] = make_ready(id, 0) end
move_job(job, 'queued')
return tickets
`);

const readyScript = new Script(`
if redis.call('HGET', P .. 'task:' .. ARGV[1], 'status') ~= 'pending' then return {} end
return {make_ready(ARGV[1], 0)}
`);

const succeedScript = new Script(`
local key = P .. 'job:' .. ARGV[1]
if redis.call('HGET', key, 'status') ~= 'running' then return 0 end
redis.call('HSET', key, 'video', ARGV[2])
move_job(ARGV[1], 'succeeded')
return 1
`);

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
  const rows = await planScript.run(
    context.redis,
    job.id,
    found.frameCount,
    JSON.stringify([...job.warnings, ...found.warnings]),
    job.vramClass,
    job.spec.engine,
    warmKeyOf(job),
    ...found.segments.flatMap((segment) => [segment.firstFrame, segment.frameCount, JSON.stringify(segment)]),
  );
  await context.enqueue(ticketsFrom(rows));
}

async function planAssembly(context: RecordsContext, jobId: string): Promise<void> {
  const assemble = await getTask(context, `${jobId}-assemble`);
  if (assemble?.status === 'pending') {
    await context.enqueue(ticketsFrom(await readyScript.run(context.redis, assemble.id)));
  } else if (assemble?.status === 'succeeded') {
    await succeedScript.run(context.redis, jobId, JSON.stringify(assemble.result as VideoFacts));
  }
}

/** What has to be the same for an engine to start at once: its compiled and loaded form. */
export function warmKeyOf(job: JobRecord): string {
  return `${job.spec.engine}:${job.spec.width}*${job.spec.height}:${job.spec.precision}`;
}
