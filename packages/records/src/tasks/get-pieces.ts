import { KEY_PREFIX } from '../redis/key-prefix.js';
import type { Reader } from '../redis/read-hash.js';
import type { PieceRecord } from './piece-record.js';

export async function getPieces(context: Reader, taskId: string): Promise<PieceRecord[]> {
  const rows = await context.redis.lrange(`${KEY_PREFIX}task:${taskId}:pieces`, 0, -1);
  return rows.map((row) => JSON.parse(row) as PieceRecord);
}
