import type { RecordsContext } from '../records-context.js';
import { Script } from '../redis/script.js';
import type { PieceRecord } from './piece-record.js';

/** `committed`, also for a piece that this attempt committed before, whatever has happened to the task since; or why not. */
export type CommitOutcome = 'committed' | 'fenced' | 'out-of-order';

const script = new Script({
  name: 'commitPiece',
  arguments: { taskId: 'text', attemptId: 'text', firstFrame: 'number', frameCount: 'number', piece: 'text' },
  body: `
-- Keys: task:<task>, :pieces and :dropped-pieces, job:<job>, attempt:<attempt>, events
local key = P .. 'task:' .. task_id
local held, job = holds(task_id, attempt_id)
local committed = tonumber(redis.call('HGET', key, 'framesCommitted') or '0')
if not held or first_frame ~= committed then
  -- The reply to an earlier call may have been lost; who holds the task by now does not change what it did.
  for _, list in ipairs({':pieces', ':dropped-pieces'}) do
    for _, before in ipairs(redis.call('LRANGE', key .. list, 0, -1)) do
      if before == piece then return 'committed' end
    end
  end
  return held and 'out-of-order' or 'fenced'
end
if committed + frame_count > tonumber(redis.call('HGET', key, 'frameCount')) then return 'out-of-order' end
redis.call('RPUSH', key .. ':pieces', piece)
redis.call('HSET', key, 'framesCommitted', committed + frame_count, 'losses', 0)
redis.call('HDEL', key, 'machineFailures')
forget_machine_failures(job)
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
