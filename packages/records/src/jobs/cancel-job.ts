import type { RecordsContext } from '../records-context.js';
import { Script } from '../redis/script.js';

const script = new Script({
  name: 'cancelJob',
  arguments: { jobId: 'text' },
  once: true,
  body: `
-- Keys: job:<job> and :tasks, task:<task> of each, ready:<class>, jobs:<owner>:<status>, live-jobs, ended-jobs, events
local status = redis.call('HGET', P .. 'job:' .. job_id, 'status')
if not status then return 'absent' end
if status == 'canceled' or status == 'succeeded' or status == 'failed' or status == 'canceling' then return status end
cancel_tasks(job_id)
move_job(job_id, 'canceling')
finish_canceling(job_id)
return 'canceling'
`,
});

export type CancelOutcome = 'absent' | 'canceling' | 'canceled' | 'succeeded' | 'failed';

/**
 * Takes the job's tasks out of reach of every claim and tells running attempts to stop. Returns the status found, or
 * `canceling` when this call began it; a job that had ended stays as it is.
 */
export async function cancelJob(context: RecordsContext, jobId: string): Promise<CancelOutcome> {
  return (await script.run(context.redis, { jobId })) as CancelOutcome;
}
