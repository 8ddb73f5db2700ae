import { classesHeldBy, vramClasses } from '@farm/contracts';
import { LEASE_MS } from './renew-leases.js';

/** As Lua: which tasks a worker of each class can hold. */
const heldClasses = vramClasses
  .map(
    (own) =>
      `['${own}'] = {${classesHeldBy(own)
        .map((held) => `['${held}'] = true`)
        .join(', ')}}`,
  )
  .join(', ');

/**
 * Lua of `claimTask`. A worker that failed a task is passed over for a while, as long as another one could take it: a lone
 * worker gets it again immediately.
 */
export const exclusions = `
-- Keys: task:<task>:excluded, workers, worker:<worker> of each that was seen lately
local HELD = {${heldClasses}}
local others

local function other_workers()
  if others then return others end
  others = {}
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', P .. 'workers', now - ${LEASE_MS}, '+inf')) do
    if id ~= worker_id then
      local row = redis.call('HMGET', P .. 'worker:' .. id, 'status', 'vramClass', 'engine', 'drain', 'quarantinedAt')
      local status, own_class, own_engine, drain, quarantined_at = unpack(row)
      local works = drain ~= '1' and status ~= 'draining' and status ~= 'offline' and status ~= 'starting'
      local renders = not quarantined_at and (status == 'idle' or status == 'busy') and own_engine == engine
      if works then others[#others + 1] = {id = id, held = renders and HELD[own_class] or {}} end
    end
  end
  return others
end

local function is_excluded(key, class)
  local until_ms = redis.call('HGET', key .. ':excluded', worker_id)
  if not until_ms or tonumber(until_ms) <= now then return false end
  for _, other in ipairs(other_workers()) do
    if class == 'media' or other.held[class] then
      local its_until = redis.call('HGET', key .. ':excluded', other.id)
      if not its_until or tonumber(its_until) <= now then return true end
    end
  end
  return false
end
`;
