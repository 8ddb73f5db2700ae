import { taskClasses } from '@farm/contracts';
import type { TicketQueues } from '@farm/queue';
import { addMissingTickets, advanceLiveJobs, countClaimable, type RecordsContext } from '@farm/records';
import type { Logger } from 'pino';

/** A task younger than this may still have its ticket on the way. */
const SETTLE_MS = 2000;

/** Repairs what a crash left between two steps: jobs that nobody advanced, ready tasks that have no ticket. */
export async function runOnce(context: {
  records: RecordsContext;
  queues: TicketQueues;
  log: Logger;
}): Promise<number> {
  const { records, queues, log } = context;
  await advanceLiveJobs(records, (jobId, error) => log.error({ jobId, err: error }, 'the job cannot be advanced'));
  const ready = await countClaimable(records);
  let added = 0;
  for (const taskClass of taskClasses) {
    const missing = ready[taskClass] - (await queues.count(taskClass));
    if (missing <= 0) continue;
    const count = await addMissingTickets(records, { taskClass, count: missing, olderThanMs: SETTLE_MS });
    if (count > 0) log.warn({ taskClass, count }, 'tickets were missing and have been added');
    added += count;
  }
  return added;
}
