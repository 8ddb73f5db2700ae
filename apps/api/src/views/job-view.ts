import { hasEnded, type JobDetail, type JobProgress, type JobView, type TaskView } from '@farm/contracts';
import type { AttemptRecord, JobRecord, PieceRecord } from '@farm/records';

export const isoOrNull = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());

/** A running attempt with what it has committed so far. */
export interface RunningRender {
  attempt: AttemptRecord;
  pieces: PieceRecord[];
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

function phaseOf(job: JobRecord): JobProgress['phase'] {
  if (hasEnded(job.status)) return 'done';
  if (job.status === 'preparing') return 'preparing';
  if (job.status === 'queued') return 'queued';
  return job.rendersLeft === 0 ? 'assembling' : 'rendering';
}

/** Frames that the engine has sent and that are not committed yet. */
function framesUnderWay({ attempt, pieces }: RunningRender): number {
  const committed = pieces
    .filter((piece) => piece.attemptId === attempt.id)
    .reduce((sum, piece) => sum + piece.frameCount, 0);
  return Math.max(0, attempt.framesDone - committed);
}

/** @param running the job's running renders; none in lists, where only committed frames count */
function progressOf(job: JobRecord, running: RunningRender[] = []): JobProgress {
  const { frameCount, framesCommitted } = job;
  const underWay = running.reduce((sum, render) => sum + framesUnderWay(render), 0);
  const framesDone = Math.min(framesCommitted + underWay, frameCount ?? 0);
  const clips = (frames: number) => Math.ceil(frames / job.spec.framesPerClip);
  const rate = running.reduce((sum, { attempt }) => sum + attempt.framesPerSecond, 0);
  const fraction = job.status === 'succeeded' ? 1 : frameCount ? framesDone / frameCount : 0;
  return {
    phase: phaseOf(job),
    fraction: Math.round(fraction * 1000) / 1000,
    framesDone,
    frameCount,
    clipsDone:
      frameCount !== null && framesCommitted >= frameCount
        ? clips(frameCount)
        : Math.floor(framesCommitted / job.spec.framesPerClip),
    clipCount: frameCount === null ? null : clips(frameCount),
    framesPerSecond: rate > 0 ? Math.round(rate * 100) / 100 : null,
    secondsLeft: rate > 0 && frameCount !== null ? Math.round((frameCount - framesDone) / rate) : null,
  };
}

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
