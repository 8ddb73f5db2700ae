import type { AttemptView, Manifest, TaskView } from '@farm/contracts';
import type { AttemptRecord, JobRecord, TaskRecord } from '@farm/records';
import { isoOrNull } from './job-view.js';

function attemptView(attempt: AttemptRecord): AttemptView {
  const { id, number, status, workerId, error, failureClass } = attempt;
  const startedAt = new Date(attempt.startedAt).toISOString();
  return { id, number, status, workerId, startedAt, endedAt: isoOrNull(attempt.endedAt), error, failureClass };
}

export function taskView({ task, attempts }: { task: TaskRecord; attempts: AttemptRecord[] }): TaskView {
  const { id, kind, status, taskClass, firstFrame, frameCount, framesCommitted, failures } = task;
  const views = attempts.map(attemptView);
  return { id, kind, status, taskClass, firstFrame, frameCount, framesCommitted, failures, attempts: views };
}

/** The tasks of a job whose records were shrunk, as far as its manifest knows them. */
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
        failureClass: attempt.failureClass ?? null,
        status: attempt.status as AttemptView['status'],
      })),
    };
  });
}

const kinds = ['prepare', 'render', 'assemble'] as const;
const kindOf = (taskId: string) => kinds.find((kind) => taskId.includes(`-${kind}`)) ?? 'render';
const byPlan = (a: string, b: string) => kinds.indexOf(kindOf(a)) - kinds.indexOf(kindOf(b)) || (a < b ? -1 : 1);
