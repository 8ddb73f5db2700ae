import type { JobStatus, TaskClass } from '@farm/contracts';
import { taskClasses } from '@farm/contracts';
import { decodeAttempt, decodeJob, decodeTask } from './decode.js';
import type { AttemptRecord, JobRecord, PieceRecord, TaskRecord } from './records.js';
import type { RecordsContext } from './records-context.js';
import { KEY_PREFIX } from './redis.js';

type Reader = Pick<RecordsContext, 'redis'>;

async function readHash(context: Reader, key: string): Promise<Record<string, string> | undefined> {
  const fields = await context.redis.hgetall(KEY_PREFIX + key);
  return fields.id === undefined ? undefined : fields;
}

export async function getJob(context: Reader, jobId: string): Promise<JobRecord | undefined> {
  const fields = await readHash(context, `job:${jobId}`);
  return fields && decodeJob(fields);
}

export async function getTask(context: Reader, taskId: string): Promise<TaskRecord | undefined> {
  const fields = await readHash(context, `task:${taskId}`);
  return fields && decodeTask(fields);
}

export async function getAttempt(context: Reader, attemptId: string): Promise<AttemptRecord | undefined> {
  const fields = await readHash(context, `attempt:${attemptId}`);
  return fields && decodeAttempt(fields);
}

export async function getPieces(context: Reader, taskId: string): Promise<PieceRecord[]> {
  const rows = await context.redis.lrange(`${KEY_PREFIX}task:${taskId}:pieces`, 0, -1);
  return rows.map((row) => JSON.parse(row) as PieceRecord);
}

/** A job's tasks in the order they run: prepare, renders by frame, assemble. */
export async function getTasks(context: Reader, jobId: string): Promise<TaskRecord[]> {
  const ids = await context.redis.lrange(`${KEY_PREFIX}job:${jobId}:tasks`, 0, -1);
  const tasks = await Promise.all(ids.map((id) => getTask(context, id)));
  return tasks.filter((task) => task !== undefined);
}

/** Every attempt at a task, oldest first. */
export async function getAttempts(context: Reader, taskId: string): Promise<AttemptRecord[]> {
  const ids = await context.redis.lrange(`${KEY_PREFIX}task:${taskId}:attempts`, 0, -1);
  const attempts = await Promise.all(ids.map((id) => getAttempt(context, id)));
  return attempts.filter((attempt) => attempt !== undefined);
}

export interface JobPage {
  jobs: JobRecord[];
  /** Give it back to read on; absent on the last page. */
  nextCursor?: string;
}

/** Newest first. `owner` undefined lists everyone's. The cursor is `<createdAt>-<id>` of the last job seen. */
export async function listJobs(
  context: Reader,
  query: { owner?: string; status?: JobStatus; limit: number; cursor?: string },
): Promise<JobPage> {
  const key = `${KEY_PREFIX}jobs:${query.owner ?? '*'}:${query.status ?? 'all'}`;
  const [createdAt, lastId] = query.cursor?.split('-') ?? [];
  const found: string[] = [];
  // Jobs of one millisecond share a score and sort by id: read on from the cursor's score and skip what was seen.
  let offset = 0;
  while (found.length <= query.limit) {
    const max = createdAt ?? '+inf';
    const ids = await context.redis.zrevrangebyscore(key, max, '-inf', 'WITHSCORES', 'LIMIT', offset, query.limit + 1);
    for (let i = 0; i < ids.length; i += 2)
      if (!lastId || ids[i + 1] !== createdAt || ids[i]! < lastId) found.push(ids[i]!);
    if (ids.length < 2 * (query.limit + 1)) break;
    offset += query.limit + 1;
  }
  const page = await Promise.all(found.slice(0, query.limit).map((id) => getJob(context, id)));
  const jobs = page.filter((job) => job !== undefined);
  const last = jobs.at(-1);
  return found.length > query.limit && last ? { jobs, nextCursor: `${last.createdAt}-${last.id}` } : { jobs };
}

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

/** Ready tasks of its class before this one by priority and date; undefined when it is not ready itself. */
export async function countAhead(
  context: Reader,
  task: { id: string; taskClass: TaskClass },
): Promise<number | undefined> {
  return (await context.redis.zrank(`${KEY_PREFIX}ready:${task.taskClass}`, task.id)) ?? undefined;
}

/** Jobs of each status, over all owners. */
export async function countJobs(context: Reader, statuses: readonly JobStatus[]): Promise<Record<string, number>> {
  const entries = await Promise.all(
    statuses.map(async (status) => [status, await context.redis.zcard(`${KEY_PREFIX}jobs:*:${status}`)] as const),
  );
  return Object.fromEntries(entries);
}

/** A paused class is claimed by nobody; what runs goes on. */
export async function setClassPaused(context: Reader, taskClass: TaskClass, paused: boolean): Promise<void> {
  if (paused) await context.redis.sadd(`${KEY_PREFIX}paused-classes`, taskClass);
  else await context.redis.srem(`${KEY_PREFIX}paused-classes`, taskClass);
}
