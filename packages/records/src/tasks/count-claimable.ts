import { type TaskClass, taskClasses } from '@farm/contracts';
import { KEY_PREFIX } from '../redis/key-prefix.js';
import type { Reader } from '../redis/read-hash.js';

/** Ready tasks of each class; 0 for a class that is paused. */
export async function countClaimable(context: Reader): Promise<Record<TaskClass, number>> {
  const entries = await Promise.all(
    taskClasses.map(async (taskClass) => {
      const paused = await context.redis.sismember(`${KEY_PREFIX}paused-classes`, taskClass);
      return [taskClass, paused ? 0 : await context.redis.zcard(`${KEY_PREFIX}ready:${taskClass}`)] as const;
    }),
  );
  return Object.fromEntries(entries) as Record<TaskClass, number>;
}
