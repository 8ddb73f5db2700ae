import { QUEUE_PREFIX } from '@farm/queue';
import { KEY_PREFIX } from '@farm/records';

/** Keys whose size is bounded whatever the number of jobs: the farm's event stream and BullMQ's. */
const isBounded = (key) => key === `${KEY_PREFIX}events` || (key.startsWith(QUEUE_PREFIX) && key.endsWith(':events'));

/** The kind of a key: ids become `*`. */
function kindOf(key) {
  if (key.startsWith(QUEUE_PREFIX)) return 'tickets';
  const name = key.slice(KEY_PREFIX.length);
  return name.replace(/^idempotency:.*/, 'idempotency:*').replace(/[0-9a-z]{26}(-render-\d+|-prepare|-assemble)?/, '*');
}

/**
 * The memory of every key of the farm, with its name and Redis's own bookkeeping, as MEMORY USAGE counts it.
 * @returns bytes by kind of keys, of each bounded stream, and of the append-only file
 */
export async function measureMemory(redis) {
  const kinds = {};
  const bounded = {};
  for await (const keys of redis.scanStream({ match: `${KEY_PREFIX}*`, count: 500 })) {
    for (const key of keys) {
      const bytes = (await redis.memory('USAGE', key, 'SAMPLES', 0)) ?? 0;
      if (isBounded(key)) bounded[key] = bytes;
      else kinds[kindOf(key)] = (kinds[kindOf(key)] ?? 0) + bytes;
    }
  }
  const persistence = await redis.info('persistence');
  return { kinds, bounded, appendOnlyFile: Number(/aof_current_size:(\d+)/.exec(persistence)[1]) };
}
