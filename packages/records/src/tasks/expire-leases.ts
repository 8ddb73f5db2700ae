import type { RecordsContext } from '../records-context.js';
import { Script } from '../redis/script.js';
import { finishAttempt } from './finish-attempt.js';
import { LEASE_MS } from './renew-leases.js';

const script = new Script({
  name: 'expireLeases',
  arguments: { intervalMs: 'number' },
  body: `
-- Keys: leases (attempts by when they end), leases-swept (when this ran last)
local last = tonumber(redis.call('GET', P .. 'leases-swept') or '0')
redis.call('SET', P .. 'leases-swept', now)
-- A sweep that comes late means that Redis or the sweeper stalled, and then workers could not renew either.
if now - last > 3 * interval_ms then
  for _, attempt in ipairs(redis.call('ZRANGEBYSCORE', P .. 'leases', '-inf', now + ${LEASE_MS})) do
    redis.call('ZADD', P .. 'leases', now + ${LEASE_MS}, attempt)
  end
  return {}
end
return redis.call('ZRANGEBYSCORE', P .. 'leases', '-inf', now, 'LIMIT', 0, 100)
`,
});

/**
 * Finds attempts whose worker went silent, ends them as lost and makes their tasks ready again. Call it every
 * `intervalMs`; when a call comes late, everyone gets a new lease first. Returns the lost attempts.
 */
export async function expireLeases(context: RecordsContext, intervalMs: number): Promise<string[]> {
  const expired = (await script.run(context.redis, { intervalMs })) as string[];
  const lost: string[] = [];
  for (const attemptId of expired)
    if ((await finishAttempt(context, attemptId, { status: 'lost' })) === 'ended') lost.push(attemptId);
  return lost;
}
