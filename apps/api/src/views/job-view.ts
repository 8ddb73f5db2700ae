import type { JobDetail, JobView, TaskView } from '@farm/contracts';
import type { JobRecord } from '@farm/records';
import { progressOf, type RunningRender } from './progress.js';

export const isoOrNull = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());

function linksOf(job: JobRecord): Record<string, string> {
  const self = `/v1/jobs/${job.id}`;
  const links: Record<string, string> = { self, events: `${self}/events`, log: `${self}/log` };
  if (job.video) {
    links.video = `${self}/video`;
    links.manifest = `${self}/manifest`;
    links.signed = `${self}/signed-urls`;
    if (job.video.posterKey) links.poster = `${self}/poster`;
  }
  return links;
}

export function jobView(job: JobRecord, running: RunningRender[] = []): JobView {
  return {
    id: job.id,
    status: job.status,
    owner: job.owner,
    createdAt: new Date(job.createdAt).toISOString(),
    startedAt: isoOrNull(job.startedAt),
    endedAt: isoOrNull(job.endedAt),
    spec: job.spec,
    vramClass: job.vramClass,
    progress: progressOf(job, running),
    warnings: job.warnings,
    error: job.error,
    links: linksOf(job),
  };
}

export interface TaskState {
  tasks: TaskView[];
  running: RunningRender[];
  tasksAhead?: number | undefined;
}

export const jobDetail = (job: JobRecord, { tasks, running, tasksAhead }: TaskState): JobDetail => ({
  ...jobView(job, running),
  ...(tasksAhead !== undefined && { tasksAhead }),
  tasks,
});
