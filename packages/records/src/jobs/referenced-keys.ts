import type { Reader } from '../redis/read-hash.js';
import { getPieces } from '../tasks/get-pieces.js';
import { getTasks } from '../tasks/get-task.js';
import type { PrepareResult } from '../tasks/task-record.js';
import { getJob } from './get-job.js';
import type { VideoFacts } from './job-record.js';

/** Every storage key that a job's record still points to; empty when the job is unknown. */
export async function referencedKeys(context: Reader, jobId: string): Promise<Set<string>> {
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
    if (task.kind === 'assemble' && task.result) {
      // The job itself gets them a moment later.
      const video = task.result as VideoFacts;
      for (const key of [video.key, video.manifestKey, video.posterKey]) if (key) keys.add(key);
    }
    const pieces = await getPieces(context, task.id);
    for (const piece of pieces) keys.add(piece.key);
    // A render continues from its newest state; earlier ones are of no more use, nor is any once it has ended.
    const newest = pieces.findLast((piece) => piece.stateKey !== undefined);
    if (newest?.stateKey && task.status !== 'succeeded') keys.add(newest.stateKey);
  }
  return keys;
}
