import type { TaskClass } from '@farm/contracts';
import { KEY_PREFIX } from '../redis/key-prefix.js';
import type { Reader } from '../redis/read-hash.js';

/** Ready tasks of its class before this one by priority and date; undefined when it is not ready itself. */
export async function countAhead(
  context: Reader,
  task: { id: string; taskClass: TaskClass },
): Promise<number | undefined> {
  return (await context.redis.zrank(`${KEY_PREFIX}ready:${task.taskClass}`, task.id)) ?? undefined;
}
