import { hasEnded, type JobProgress } from '@farm/contracts';
import type { AttemptRecord, JobRecord, PieceRecord } from '@farm/records';

/** A running attempt with what it has committed so far. */
export interface RunningRender {
  attempt: AttemptRecord;
  pieces: PieceRecord[];
}

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
export function progressOf(job: JobRecord, running: RunningRender[] = []): JobProgress {
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
