import type { AttemptView, Manifest, TaskView } from '@farm/contracts';
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
import { isoOrNull, type TaskState } from './job-view.js';
import type { RunningRender } from './progress.js';

function attemptView(attempt: AttemptRecord): AttemptView {
  const { id, number, status, workerId, error } = attempt;
  const startedAt = new Date(attempt.startedAt).toISOString();
  return { id, number, status, workerId, startedAt, endedAt: isoOrNull(attempt.endedAt), error };
}

function taskView(task: TaskRecord, attempts: AttemptRecord[]): TaskView {
  const { id, kind, status, taskClass, firstFrame, frameCount, framesCommitted, failures } = task;
  const views = attempts.map(attemptView);
  return { id, kind, status, taskClass, firstFrame, frameCount, framesCommitted, failures, attempts: views };
}

/** A job's tasks with their attempts, the renders that are running, and how far back in line the first waiting one is. */
export async function readTasks(records: RecordsContext, job: JobRecord): Promise<TaskState> {
  const tasks = await getTasks(records, job.id);
  const attempts = await Promise.all(tasks.map((task) => getAttempts(records, task.id)));
  const running = await Promise.all(
    tasks.map(async (task, index): Promise<RunningRender[]> => {
      const attempt = attempts[index]!.find(({ id }) => id === task.attemptId);
      if (task.kind !== 'render' || task.status !== 'running' || attempt === undefined) return [];
      return [{ attempt, pieces: await getPieces(records, task.id) }];
    }),
  );
  const waiting = tasks.find(({ status }) => status === 'ready');
  return {
    tasks: tasks.map((task, index) => taskView(task, attempts[index]!)),
    running: running.flat(),
    tasksAhead: waiting && (await countAhead(records, waiting)),
  };
}

/** The tasks of a job whose records were shrunk, as far as its manifest tells. */
export function tasksOfManifest(manifest: Manifest, vramClass: JobRecord['vramClass']): TaskView[] {
  const ids = [...new Set(manifest.attempts.map((attempt) => attempt.taskId))].sort(byPlan);
  return ids.map((id) => {
    const attempts = manifest.attempts.filter((attempt) => attempt.taskId === id);
    const kind = kindOf(id);
    const segment = kind === 'render' ? manifest.segments[Number(id.split('-').at(-1))] : undefined;
    return {
      id,
      kind,
      status: 'succeeded',
      taskClass: kind === 'render' ? vramClass : 'media',
      firstFrame: segment?.firstFrame ?? 0,
      frameCount: segment?.frameCount ?? 0,
      framesCommitted: segment?.frameCount ?? 0,
      failures: attempts.filter(({ status }) => status === 'failed').length,
      attempts: attempts.map(({ taskId: _task, metrics: _metrics, ...attempt }) => ({
        ...attempt,
        status: attempt.status as AttemptView['status'],
      })),
    };
  });
}

const kinds = ['prepare', 'render', 'assemble'] as const;
const kindOf = (taskId: string) => kinds.find((kind) => taskId.includes(`-${kind}`)) ?? 'render';
const byPlan = (a: string, b: string) => kinds.indexOf(kindOf(a)) - kinds.indexOf(kindOf(b)) || (a < b ? -1 : 1);
