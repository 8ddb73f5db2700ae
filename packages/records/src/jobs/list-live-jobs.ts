import { KEY_PREFIX } from '../redis/key-prefix.js';
import type { Reader } from '../redis/read-hash.js';

/** The ids of all jobs that have not ended; one that ends or comes meanwhile may be among them or not. */
export async function* listLiveJobs(context: Reader): AsyncGenerator<string> {
  let cursor = '0';
  do {
    const [next, ids] = await context.redis.sscan(`${KEY_PREFIX}live-jobs`, cursor, 'COUNT', 200);
    yield* ids;
    cursor = next;
  } while (cursor !== '0');
}
