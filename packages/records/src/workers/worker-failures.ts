/** Failures in a row, of whatever tasks, after which a worker renders nothing until it has proved itself. */
export const QUARANTINE_FAILURES = 3;

/**
 * Lua of the scripts that count failures against workers. `slot` is `render` or `media`: a worker whose card is broken
 * still decodes and joins, and these successes must not hide it.
 */
export const workerFailures = `
-- Keys: worker:<worker>, events
local function release_worker(worker)
  local key = P .. 'worker:' .. worker
  redis.call('HDEL', key, 'quarantinedAt', 'quarantineReason', 'quarantineSlot')
  redis.call('HSET', key, 'status', 'idle')
  add_event('worker-released', nil, nil, nil, worker)
end

local function blame_worker(worker, slot, reason)
  local key = P .. 'worker:' .. worker
  -- A record that is gone comes back when the worker registers again.
  if redis.call('HEXISTS', key, 'id') == 0 then return end
  local failures = redis.call('HINCRBY', key, slot .. 'Failures', 1)
  if failures < ${QUARANTINE_FAILURES} or redis.call('HEXISTS', key, 'quarantinedAt') == 1 then return end
  redis.call('HSET', key, 'quarantinedAt', now, 'quarantineReason', reason, 'quarantineSlot', slot, 'status', 'quarantined')
  redis.call('HINCRBY', key, 'quarantines', 1)
  add_event('worker-quarantined', nil, nil, nil, worker)
end

-- Failures that turned out to be the job's own.
local function forgive_worker(worker, slot, count)
  local key = P .. 'worker:' .. worker
  local row = redis.call('HMGET', key, slot .. 'Failures', 'quarantineSlot')
  if not row[1] then return end
  local left = math.max(0, tonumber(row[1]) - count)
  redis.call('HSET', key, slot .. 'Failures', left)
  if row[2] == slot and left < ${QUARANTINE_FAILURES} then release_worker(worker) end
end
`;
