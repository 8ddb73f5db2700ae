import { KEY_PREFIX } from '../redis/key-prefix.js';
import { type Reader, readHash } from '../redis/read-hash.js';
import { decodeTask, type TaskRecord } from './task-record.js';

export async function getTask(context: Reader, taskId: string): Promise<TaskRecord | undefined> {
  const fields = await readHash(context, `task:${taskId}`);
  return fields && decodeTask(fields);
}

/** A job's tasks in the order they run: prepare, renders by frame, assemble. */
export async function getTasks(context: Reader, jobId: string): Promise<TaskRecord[]> {
  const ids = await context.redis.lrange(`${KEY_PREFIX}job:${jobId}:tasks`, 0, -1);
  const tasks = await Promise.all(ids.map((id) => getTask(context, id)));
  return tasks.filter((task) => task !== undefined);
}
