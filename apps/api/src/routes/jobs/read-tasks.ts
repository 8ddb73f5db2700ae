import {
  type AttemptRecord,
  countAhead,
  getAttempts,
  getPieces,
  getTasks,
  type JobRecord,
  type RecordsContext,
  type TaskRecord,
} from '@farm/records';
import type { RunningRender } from '../../views/job-view.js';

/** A job's tasks with their attempts, the renders that are running, and how many tasks are before its first waiting one. */
export interface JobTasks {
  tasks: { task: TaskRecord; attempts: AttemptRecord[] }[];
  running: RunningRender[];
  tasksAhead: number | undefined;
}

export async function readTasks(records: RecordsContext, job: JobRecord): Promise<JobTasks> {
  const tasks = await Promise.all(
    (await getTasks(records, job.id)).map(async (task) => ({ task, attempts: await getAttempts(records, task.id) })),
  );
  const running = tasks.map(async ({ task, attempts }): Promise<RunningRender[]> => {
    const attempt = attempts.find(({ id }) => id === task.attemptId);
    if (task.kind !== 'render' || task.status !== 'running' || attempt === undefined) return [];
    return [{ attempt, pieces: await getPieces(records, task.id) }];
  });
  const waiting = tasks.find(({ task }) => task.status === 'ready')?.task;
  return {
    tasks,
    running: (await Promise.all(running)).flat(),
    tasksAhead: waiting && (await countAhead(records, waiting)),
  };
}
