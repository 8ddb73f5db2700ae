import { getJob, getPieces, getTasks } from './read.js';
import type { PrepareResult } from './records.js';
import type { RecordsContext } from './records-context.js';

/** Every storage key that a job's record still points to; empty when the job is unknown. */
export async function referencedKeys(context: Pick<RecordsContext, 'redis'>, jobId: string): Promise<Set<string>> {
  const keys = new Set<string>();
  const job = await getJob(context, jobId);
  if (!job) return keys;
  keys.add(job.portrait.key).add(job.speech.key);
  if (job.video) {
    keys.add(job.video.key).add(job.video.manifestKey);
    if (job.video.posterKey) keys.add(job.video.posterKey);
  }
  for (const task of await getTasks(context, jobId)) {
    if (task.kind === 'prepare' && task.result) {
      const prepared = task.result as PrepareResult;
      keys.add(prepared.portraitKey).add(prepared.speech.key);
      for (const segment of prepared.segments) keys.add(segment.speechKey);
    }
    for (const piece of await getPieces(context, task.id)) {
      keys.add(piece.key);
      if (piece.stateKey) keys.add(piece.stateKey);
    }
  }
  return keys;
}
