import { type RecordsContext, ticketsFrom } from '../records-context.js';
import { Script } from '../redis/script.js';

const script = new Script({
  name: 'reopenAssembly',
  arguments: { jobId: 'text', videoKey: 'text' },
  once: true,
  body: `
-- Keys: job:<job> and :tasks, task:<assemble>, :excluded and :failed-on, ready:<class>, jobs:<owner>:<status>, live-jobs, ended-jobs,
-- events
local key = P .. 'job:' .. job_id
local row = redis.call('HMGET', key, 'status', 'shrunk', 'video')
if row[1] ~= 'succeeded' or cjson.decode(row[3]).key ~= video_key then return {'other'} end
local assemble = P .. 'task:' .. job_id .. '-assemble'
if row[2] == '1' or redis.call('EXISTS', assemble) == 0 or not renders_complete(job_id) then return {'no-pieces'} end
redis.call('HSET', key, 'video', '', 'formerVideo', row[3], 'endedAt', '', 'recoveries', 0)
redis.call('HDEL', key, 'videoCheckedAt')
redis.call('ZREM', P .. 'ended-jobs', job_id)
redis.call('SADD', P .. 'live-jobs', job_id)
redis.call('HSET', assemble, 'result', '')
forget_failures(assemble)
add_event('object-lost', job_id, '', '', '', 'keys', cjson.encode({video_key}))
move_job(job_id, 'running')
return {'reopened', make_ready(job_id .. '-assemble', 0)}
`,
});

/**
 * Has the video of a succeeded job made again from its pieces. Should that fail, the job has the former one again.
 * `no-pieces`: they are gone, or the record of them is; `other`: the job has no longer this video.
 */
export async function reopenAssembly(
  context: RecordsContext,
  jobId: string,
  videoKey: string,
): Promise<'reopened' | 'no-pieces' | 'other'> {
  const [outcome, ticket] = (await script.run(context.redis, { jobId, videoKey })) as [
    'reopened' | 'no-pieces' | 'other',
    unknown?,
  ];
  if (ticket) await context.enqueue(ticketsFrom([ticket]));
  return outcome;
}
