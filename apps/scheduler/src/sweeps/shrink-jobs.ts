import { type RecordsContext, shrinkEndedJobs } from '@farm/records';
import type { Logger } from 'pino';

/** Ended jobs free most of their memory in Redis; from then on their manifest has the facts. */
export async function runOnce(context: {
  records: RecordsContext;
  keepDetailsMs: number;
  log: Logger;
}): Promise<number> {
  const count = await shrinkEndedJobs(context.records, context.keepDetailsMs);
  if (count > 0) context.log.info({ count }, 'ended jobs shrunk');
  return count;
}
