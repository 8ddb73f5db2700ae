import type { RecordsContext } from '../records-context.js';
import { KEY_PREFIX } from '../redis/key-prefix.js';
import { decodeQuarantine, type Quarantine } from './worker-record.js';

export async function getQuarantine({ redis }: RecordsContext, workerId: string): Promise<Quarantine | null> {
  const names = ['quarantinedAt', 'quarantineReason', 'quarantines'] as const;
  const values = await redis.hmget(`${KEY_PREFIX}worker:${workerId}`, ...names);
  return decodeQuarantine(Object.fromEntries(names.map((name, index) => [name, values[index] ?? ''])));
}
