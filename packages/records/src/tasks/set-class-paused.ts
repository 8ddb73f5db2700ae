import type { TaskClass } from '@farm/contracts';
import type { RecordsContext } from '../records-context.js';
import { KEY_PREFIX } from '../redis/key-prefix.js';

/** A paused class is claimed by nobody; what is running continues. */
export async function setClassPaused(
  context: Pick<RecordsContext, 'redis'>,
  taskClass: TaskClass,
  paused: boolean,
): Promise<void> {
  if (paused) await context.redis.sadd(`${KEY_PREFIX}paused-classes`, taskClass);
  else await context.redis.srem(`${KEY_PREFIX}paused-classes`, taskClass);
}
