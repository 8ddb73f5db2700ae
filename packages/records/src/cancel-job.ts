import type { RecordsContext } from './records-context.js';
import { Script } from './script.js';

const script = new Script(`
local job = ARGV[1]
local status = redis.call('HGET', P .. 'job:' .. job, 'status')
if not status then return 'absent' end
if status == 'canceled' or status == 'succeeded' or status == 'failed' or status == 'canceling' then return status end
cancel_tasks(job)
move_job(job, 'canceling')
finish_canceling(job)
return 'canceling'
`);

/**
 * Takes the job's tasks out of reach of every claim and tells running attempts to stop. Answers the status found, or
 * `canceling` when this call began it; a job that had ended stays as it is.
 */
export async function cancelJob(
  context: RecordsContext,
  jobId: string,
): Promise<'absent' | 'canceling' | 'canceled' | 'succeeded' | 'failed'> {
  return (await script.run(context.redis, jobId)) as 'absent' | 'canceling' | 'canceled' | 'succeeded' | 'failed';
}
