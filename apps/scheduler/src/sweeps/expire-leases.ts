import { expireLeases, markOfflineWorkers, type RecordsContext } from '@farm/records';
import type { Logger } from 'pino';

export const INTERVAL_MS = 1000;

/** Ends attempts whose worker went silent, so that another worker continues after what is committed. */
export async function runOnce(context: { records: RecordsContext; log: Logger }): Promise<string[]> {
  const lost = await expireLeases(context.records, INTERVAL_MS);
  for (const attemptId of lost)
    context.log.warn({ attemptId }, 'the worker of this attempt went silent; its task is ready again');
  await markOfflineWorkers(context.records);
  return lost;
}
