import type { PieceRecord } from './records.js';
import type { RecordsContext } from './records-context.js';
import { Script } from './script.js';

/** `committed`, also when this very piece was committed before and only the reply got lost; or why not. */
export type CommitOutcome = 'committed' | 'fenced' | 'out-of-order';

const script = new Script(`
local task, attempt, first, count, piece = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local held, job = holds(task, attempt)
if not held then return 'fenced' end
local key = P .. 'task:' .. task
local committed = tonumber(redis.call('HGET', key, 'framesCommitted') or '0')
if first ~= committed then
  if redis.call('LINDEX', key .. ':pieces', -1) == piece then return 'committed' end
  return 'out-of-order'
end
if committed + count > tonumber(redis.call('HGET', key, 'frameCount')) then return 'out-of-order' end
redis.call('RPUSH', key .. ':pieces', piece)
redis.call('HSET', key, 'framesCommitted', committed + count)
local done = redis.call('HINCRBY', P .. 'job:' .. job, 'framesCommitted', count)
add_event('piece-committed', job, task, attempt, redis.call('HGET', P .. 'attempt:' .. attempt, 'workerId'),
  'firstFrame', first, 'frameCount', count, 'framesCommitted', done)
return 'committed'
`);

/** Appends a piece behind the frames committed so far, if this attempt still holds the task. */
export async function commitPiece(
  context: RecordsContext,
  commit: { taskId: string; attemptId: string; piece: PieceRecord },
): Promise<CommitOutcome> {
  const { taskId, attemptId, piece } = commit;
  return (await script.run(
    context.redis,
    taskId,
    attemptId,
    piece.firstFrame,
    piece.frameCount,
    JSON.stringify(piece),
  )) as CommitOutcome;
}
