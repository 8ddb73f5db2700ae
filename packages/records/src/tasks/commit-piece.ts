import type { RecordsContext } from '../records-context.js';
import { Script } from '../redis/script.js';
import type { PieceRecord } from './piece-record.js';

/** `committed`, also when this very piece was committed before and only the reply got lost; or why not. */
export type CommitOutcome = 'committed' | 'fenced' | 'out-of-order';

const script = new Script({
  name: 'commitPiece',
  arguments: { taskId: 'text', attemptId: 'text', firstFrame: 'number', frameCount: 'number', piece: 'text' },
  body: `
-- Keys: task:<task> and :pieces, job:<job>, attempt:<attempt>, events
local held, job = holds(task_id, attempt_id)
if not held then return 'fenced' end
local key = P .. 'task:' .. task_id
local committed = tonumber(redis.call('HGET', key, 'framesCommitted') or '0')
if first_frame ~= committed then
  if redis.call('LINDEX', key .. ':pieces', -1) == piece then return 'committed' end
  return 'out-of-order'
end
if committed + frame_count > tonumber(redis.call('HGET', key, 'frameCount')) then return 'out-of-order' end
redis.call('RPUSH', key .. ':pieces', piece)
redis.call('HSET', key, 'framesCommitted', committed + frame_count)
local done = redis.call('HINCRBY', P .. 'job:' .. job, 'framesCommitted', frame_count)
add_event('piece-committed', job, task_id, attempt_id, redis.call('HGET', P .. 'attempt:' .. attempt_id, 'workerId'),
  'firstFrame', first_frame, 'frameCount', frame_count, 'framesCommitted', done)
return 'committed'
`,
});

/** Appends a piece after the frames committed so far, if this attempt still holds the task. */
export async function commitPiece(
  context: RecordsContext,
  { taskId, attemptId, piece }: { taskId: string; attemptId: string; piece: PieceRecord },
): Promise<CommitOutcome> {
  const { firstFrame, frameCount } = piece;
  const commit = { taskId, attemptId, firstFrame, frameCount, piece: JSON.stringify(piece) };
  return (await script.run(context.redis, commit)) as CommitOutcome;
}
