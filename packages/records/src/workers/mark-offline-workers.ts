import type { RecordsContext } from '../records-context.js';
import { Script } from '../redis/script.js';

const script = new Script({
  name: 'markOfflineWorkers',
  arguments: { silentMs: 'number', forgetMs: 'number' },
  body: `
-- Keys: workers, worker:<worker> and :attempts of each silent one, events
for _, worker in ipairs(redis.call('ZRANGEBYSCORE', P .. 'workers', '-inf', now - silent_ms)) do
  local key = P .. 'worker:' .. worker
  if tonumber(redis.call('HGET', key, 'seenAt') or '0') < now - forget_ms then
    redis.call('DEL', key, key .. ':attempts')
    redis.call('ZREM', P .. 'workers', worker)
  elseif redis.call('HGET', key, 'status') ~= 'offline' then
    redis.call('HSET', key, 'status', 'offline')
    add_event('worker-offline', nil, nil, nil, worker)
  end
end
`,
});

/** Marks workers that have been silent as offline, and forgets them after a day. */
export async function markOfflineWorkers(
  context: RecordsContext,
  { silentMs = 15_000, forgetMs = 86_400_000 }: { silentMs?: number; forgetMs?: number } = {},
): Promise<void> {
  await script.run(context.redis, { silentMs, forgetMs });
}
