import type { StorageSweep } from '@farm/contracts';
import type { RecordsContext } from '../records-context.js';
import { KEY_PREFIX } from '../redis/key-prefix.js';
import type { Reader } from '../redis/read-hash.js';
import { Script } from '../redis/script.js';

const REPORT = `${KEY_PREFIX}storage-sweep`;
const CONFIRMED = `${KEY_PREFIX}storage-sweep-confirmed`;

export async function readSweepReport(context: Reader): Promise<StorageSweep | undefined> {
  const text = await context.redis.get(REPORT);
  return text === null ? undefined : (JSON.parse(text) as StorageSweep);
}

export async function writeSweepReport(context: RecordsContext, report: StorageSweep): Promise<void> {
  await context.redis.set(REPORT, JSON.stringify(report));
}

const confirmScript = new Script({
  name: 'confirmSweep',
  arguments: { report: 'text', count: 'number' },
  body: `
-- Keys: storage-sweep, storage-sweep-confirmed
if redis.call('GET', P .. 'storage-sweep') ~= report then return 0 end
redis.call('SET', P .. 'storage-sweep-confirmed', count, 'EX', 86400)
return 1
`,
});

/** Lets the next sweep delete what is waiting now. @returns what that is; undefined where nothing waits */
export async function confirmSweep(context: RecordsContext): Promise<StorageSweep | undefined> {
  for (;;) {
    const report = await context.redis.get(REPORT);
    const read = report === null ? undefined : (JSON.parse(report) as StorageSweep);
    if (report === null || !read?.waiting) return undefined;
    const { count } = read.waiting;
    // A sweep that ended in between has another report: what is confirmed is what was read.
    if ((await confirmScript.run(context.redis, { report, count })) === 1) return read;
  }
}

/** How many objects somebody has let the next sweep delete; asked once. */
export async function takeConfirmedCount(context: RecordsContext): Promise<number> {
  const [[, count] = []] = (await context.redis.multi().get(CONFIRMED).del(CONFIRMED).exec()) ?? [];
  return Number(count ?? 0);
}
