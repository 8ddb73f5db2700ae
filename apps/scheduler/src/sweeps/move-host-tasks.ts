import { removeHostQueue } from '@farm/queue';
import { moveHostTasks, type RecordsContext } from '@farm/records';
import type { Logger } from 'pino';

/** After an upgrade of a live farm: tasks whose records still name the class `media` `host` become claimable. */
export async function runOnce(context: { records: RecordsContext; log: Logger }): Promise<number> {
  const { records, log } = context;
  const count = await moveHostTasks(records);
  if (count > 0) log.info({ count }, 'ready tasks of the class host were moved to media');
  await removeHostQueue(records.redis);
  return count;
}
