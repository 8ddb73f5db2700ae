import type { TaskClass } from '@farm/contracts';
import { type RecordsContext, ticketsFrom } from '../records-context.js';
import { Script } from '../redis/script.js';

/** A ready task whose ticket was used for another task gets a new generation, and so a new ticket. */
const script = new Script({
  name: 'addMissingTickets',
  arguments: { taskClass: 'text', count: 'number', olderThanMs: 'number' },
  once: true,
  body: `
-- Keys: ready:<class>, task:<task> of the first ones there
local tickets = {}
for _, task in ipairs(redis.call('ZRANGE', P .. 'ready:' .. task_class, 0, count - 1)) do
  local key = P .. 'task:' .. task
  if tonumber(redis.call('HGET', key, 'readyAt')) < now - older_than_ms then
    tickets[#tickets + 1] = {task, task_class, redis.call('HINCRBY', key, 'generation', 1), 0}
  end
end
return tickets
`,
});

/** Adds new tickets for up to `count` tasks that have been ready for `olderThanMs`. Returns how many. */
export async function addMissingTickets(
  context: RecordsContext,
  missing: { taskClass: TaskClass; count: number; olderThanMs: number },
): Promise<number> {
  const tickets = ticketsFrom(await script.run(context.redis, missing));
  await context.enqueue(tickets);
  return tickets.length;
}
