import { getJob, listUncheckedJobs, shrinkEndedJobs } from '@farm/records';
import { checkVideo, type VideoCheckContext } from './check-video.js';

interface ShrinkContext extends VideoCheckContext {
  keepDetailsMs: number;
}

/** Of one pass: what follows waits for the next one. */
const MOST_BYTES = 2 ** 30;

/**
 * Ended jobs free most of their memory in Redis; from then on their manifest has the facts. Before that their video is
 * read back, since the pieces can still make another.
 */
export async function runOnce(context: ShrinkContext): Promise<number> {
  const { records, keepDetailsMs, log } = context;
  let bytes = 0;
  for await (const jobId of listUncheckedJobs(records, keepDetailsMs)) {
    if (bytes >= MOST_BYTES) break;
    try {
      const job = await getJob(records, jobId);
      bytes += job?.video?.bytes ?? 0;
      if (job) await checkVideo(context, job);
    } catch (err) {
      log.error({ jobId, err }, 'this video could not be checked; the details of its job are kept');
    }
  }
  const count = await shrinkEndedJobs(records, keepDetailsMs);
  if (count > 0) log.info({ count }, 'ended jobs shrunk');
  return count;
}
