import { dueVideoCheckRound, listJobs, saveVideoCheckRound } from '@farm/records';
import { checkVideo, type VideoCheckContext } from './check-video.js';

interface CheckContext extends VideoCheckContext {
  /** Every finished video is read once in this time. */
  videoCheckIntervalMs: number;
}

const PAGE = 20;
/** Of one pass: what follows waits for the next one. */
const MOST_BYTES = 2 ** 30;

/** Reads finished videos back, all of them once per round. One that cannot be read delays no other. @returns how many were damaged */
export async function runOnce(context: CheckContext): Promise<number> {
  const { records, videoCheckIntervalMs, log } = context;
  const round = await dueVideoCheckRound(records, videoCheckIntervalMs);
  if (!round) return 0;
  const onUnreadable = (jobId: string, err: unknown) => log.error({ jobId, err }, 'this video could not be checked');
  let { cursor } = round;
  let damaged = 0;
  let bytes = 0;
  do {
    const query = { status: 'succeeded', limit: PAGE, onUnreadable } as const;
    const page = await listJobs(records, { ...query, ...(cursor && { cursor }) });
    for (const job of page.jobs) {
      bytes += job.video?.bytes ?? 0;
      try {
        if (await checkVideo(context, job)) damaged += 1;
      } catch (error) {
        onUnreadable(job.id, error);
      }
    }
    cursor = page.nextCursor;
    const { startedAt } = round;
    await saveVideoCheckRound(records, { startedAt, isComplete: !cursor, ...(cursor && { cursor }) });
  } while (cursor && bytes < MOST_BYTES);
  return damaged;
}
