import { type RecordsContext, shrinkEndedJobs } from '@farm/records';
import type { Logger } from 'pino';

/** Ended jobs give back most of their memory in Redis; the manifest answers for them from then on. */
export async function runOnce(context: {
  records: RecordsContext;
  keepDetailsMs: number;
  log: Logger;
}): Promise<number> {
  const count = await shrinkEndedJobs(context.records, context.keepDetailsMs);
  if (count > 0) context.log.info({ count }, 'ended jobs shrunk');
  return count;
}
