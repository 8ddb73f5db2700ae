import { type RecordsContext, ticketsFrom } from '../records-context.js';
import { Script } from '../redis/script.js';

const BATCH = 500;

const script = new Script({
  name: 'moveHostTasks',
  arguments: {},
  once: true,
  body: `
-- Keys: paused-classes, ready:host, ready:media, task:<task> of each one moved
if redis.call('SREM', P .. 'paused-classes', 'host') == 1 then redis.call('SADD', P .. 'paused-classes', 'media') end
local tickets = {}
local window = redis.call('ZRANGE', P .. 'ready:host', 0, ${BATCH - 1}, 'WITHSCORES')
for i = 1, #window, 2 do
  local task, order = window[i], window[i + 1]
  local key = P .. 'task:' .. task
  redis.call('HSET', key, 'taskClass', 'media')
  redis.call('ZADD', P .. 'ready:media', order, task)
  redis.call('ZREM', P .. 'ready:host', task)
  tickets[#tickets + 1] = {task, 'media', redis.call('HINCRBY', key, 'generation', 1), 0}
end
return tickets
`,
});

/**
 * For records of schema 2, whose class `media` is `host`: ready tasks move to where claims look now, with new tickets, and
 * a paused class stays paused. Tasks that such a record makes ready later are moved by the next call, so it runs as a sweep.
 * Returns how many were moved.
 */
export async function moveHostTasks(context: RecordsContext): Promise<number> {
  let total = 0;
  for (;;) {
    const tickets = ticketsFrom(await script.run(context.redis, {}));
    if (tickets.length === 0) return total;
    await context.enqueue(tickets);
    total += tickets.length;
  }
}
