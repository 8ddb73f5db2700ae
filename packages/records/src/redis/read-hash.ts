import type { RecordsContext } from '../records-context.js';
import { KEY_PREFIX } from './key-prefix.js';

/** The part of the context that reading needs. */
export type Reader = Pick<RecordsContext, 'redis'>;

/** The fields of a record; undefined when there is none. */
export async function readHash(context: Reader, key: string): Promise<Record<string, string> | undefined> {
  const fields = await context.redis.hgetall(KEY_PREFIX + key);
  return fields.id === undefined ? undefined : fields;
}

/** The fields of a record as a script returns them: names and values in turn. */
export function fieldsOf(row: string[]): Record<string, string> {
  const fields: Record<string, string> = {};
  for (let i = 0; i < row.length; i += 2) fields[row[i]!] = row[i + 1]!;
  return fields;
}
