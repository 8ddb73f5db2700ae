import type { RecordsContext } from '../records-context.js';
import { Script } from '../redis/script.js';
import { finishAttempt } from './finish-attempt.js';
import { LEASE_MS } from './renew-leases.js';

const script = new Script({
  name: 'expireLeases',
  arguments: { intervalMs: 'number' },
  body: `
-- Keys: leases (attempts by when they end), leases-swept (when this ran last), leases-extended (attempts whose lease a late
-- sweep extended, and which have not been renewed since)
local last = tonumber(redis.call('GET', P .. 'leases-swept') or now)
redis.call('SET', P .. 'leases-swept', now)
-- A sweep that comes late means that Redis or the sweeper stalled. If it was Redis, workers could not renew either: each
-- lease is extended, but once until its worker renews it, or a sweeper that always comes late would end none.
if now - last > 3 * interval_ms then
  for _, attempt in ipairs(redis.call('ZRANGEBYSCORE', P .. 'leases', '-inf', now + ${LEASE_MS})) do
    if redis.call('SADD', P .. 'leases-extended', attempt) == 1 then
      redis.call('ZADD', P .. 'leases', now + ${LEASE_MS}, attempt)
    end
  end
end
return redis.call('ZRANGEBYSCORE', P .. 'leases', '-inf', now, 'LIMIT', 0, 100)
`,
});

/**
 * Finds attempts whose worker went silent, ends them as lost and makes their tasks ready again. Call it every
 * `intervalMs`; when a call comes late, every lease is extended first, once until its worker renews it. So a lease that
 * nobody renews ends with the first call that comes `LEASE_MS` or more after the first late one, however late they all
 * come. Returns the lost attempts.
 */
export async function expireLeases(context: RecordsContext, intervalMs: number): Promise<string[]> {
  const expired = (await script.run(context.redis, { intervalMs })) as string[];
  const lost: string[] = [];
  for (const attemptId of expired)
    if ((await finishAttempt(context, attemptId, { status: 'lost' })) === 'ended') lost.push(attemptId);
  return lost;
}
