import type { TaskClass } from '@farm/contracts';
import { advance } from './advance.js';
import { type RecordsContext, ticketsFrom } from './records-context.js';
import { KEY_PREFIX } from './redis.js';
import { Script } from './script.js';

/**
 * Calls `advance` on every job that has not ended: a crash between a commit and its follow-up costs one sweep. A job
 * that cannot be read is reported and holds up no other.
 */
export async function advanceLiveJobs(
  context: RecordsContext,
  onFailed: (jobId: string, error: unknown) => void,
): Promise<number> {
  let cursor = '0';
  let count = 0;
  do {
    const [next, ids] = await context.redis.sscan(`${KEY_PREFIX}live-jobs`, cursor, 'COUNT', 200);
    for (const id of ids) await advance(context, id).catch((error: unknown) => onFailed(id, error));
    cursor = next;
    count += ids.length;
  } while (cursor !== '0');
  return count;
}

/** A ready task whose ticket was used for another task gets a new generation, and so a new ticket. */
const reticketScript = new Script(`
local tickets = {}
for _, task in ipairs(redis.call('ZRANGE', P .. 'ready:' .. ARGV[1], 0, ARGV[2] - 1)) do
  local key = P .. 'task:' .. task
  if tonumber(redis.call('HGET', key, 'readyAt')) < now - ARGV[3] then
    tickets[#tickets + 1] = {task, ARGV[1], redis.call('HINCRBY', key, 'generation', 1), 0}
  end
end
return tickets
`);

/** Adds new tickets for up to `count` tasks that have been ready for `olderThanMs`. */
export async function addMissingTickets(
  context: RecordsContext,
  missing: { taskClass: TaskClass; count: number; olderThanMs: number },
): Promise<number> {
  const tickets = ticketsFrom(
    await reticketScript.run(context.redis, missing.taskClass, missing.count, missing.olderThanMs),
  );
  await context.enqueue(tickets);
  return tickets.length;
}

const shrinkScript = new Script(`
local shrunk = 0
for _, job in ipairs(redis.call('ZRANGEBYSCORE', P .. 'ended-jobs', '-inf', now - ARGV[1], 'LIMIT', 0, 100)) do
  drop_details(job)
  redis.call('HSET', P .. 'job:' .. job, 'shrunk', 1)
  shrunk = shrunk + 1
end
return shrunk
`);

/** Drops the tasks, attempts, pieces and events of jobs that ended `olderThanMs` ago; their manifest answers. */
export async function shrinkEndedJobs(context: RecordsContext, olderThanMs: number): Promise<number> {
  let total = 0;
  let shrunk: number;
  do {
    shrunk = (await shrinkScript.run(context.redis, olderThanMs)) as number;
    total += shrunk;
  } while (shrunk > 0);
  return total;
}
