import { KEY_PREFIX } from '../redis/key-prefix.js';
import { type Reader, readHash } from '../redis/read-hash.js';
import { type AttemptRecord, decodeAttempt } from './attempt-record.js';

export async function getAttempt(context: Reader, attemptId: string): Promise<AttemptRecord | undefined> {
  const fields = await readHash(context, `attempt:${attemptId}`);
  return fields && decodeAttempt(fields);
}

/** Every attempt at a task, oldest first. */
export async function getAttempts(context: Reader, taskId: string): Promise<AttemptRecord[]> {
  const ids = await context.redis.lrange(`${KEY_PREFIX}task:${taskId}:attempts`, 0, -1);
  const attempts = await Promise.all(ids.map((id) => getAttempt(context, id)));
  return attempts.filter((attempt) => attempt !== undefined);
}
