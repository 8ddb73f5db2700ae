import type { Reader } from '../redis/read-hash.js';
import { getPieces } from '../tasks/get-pieces.js';
import { getTasks } from '../tasks/get-task.js';
import type { PieceRecord } from '../tasks/piece-record.js';
import type { PrepareResult } from '../tasks/task-record.js';
import { getJob } from './get-job.js';
import type { VideoFacts } from './job-record.js';

/** Every storage key that a job's record still points to; empty when the job is unknown. */
export async function referencedKeys(context: Reader, jobId: string): Promise<Set<string>> {
  const keys = new Set<string>();
  const job = await getJob(context, jobId);
  if (!job) return keys;
  keys.add(job.portrait.key).add(job.speech.key);
  for (const video of [job.video, job.formerVideo])
    for (const key of [video?.key, video?.manifestKey, video?.posterKey]) if (key) keys.add(key);
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
    if (job.status !== 'succeeded') for (const key of keptStates(pieces)) keys.add(key);
  }
  return keys;
}

/** One border in this many keeps its state until the job has succeeded: a lost piece is rendered again from the one before it. */
const KEPT_BORDERS = 8;

/** A render continues from its newest state; the others, megabytes each, are kept sparsely. */
function keptStates(pieces: readonly PieceRecord[]): string[] {
  const newest = pieces.findLastIndex((piece) => piece.stateKey !== undefined);
  const isKept = (index: number) => index === newest || index % KEPT_BORDERS === KEPT_BORDERS - 1;
  return pieces.flatMap((piece, index) => (piece.stateKey && isKept(index) ? [piece.stateKey] : []));
}
