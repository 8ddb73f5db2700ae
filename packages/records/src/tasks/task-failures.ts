/** Failures of input and engine of one task before its job fails. */
export const MAX_FAILURES = 3;
/** Workers that may be lost during one task: more than failures, since preemptible machines vanish without fault. */
export const MAX_LOSSES = 20;
/** Machine failures of one task, and of a job in a row without a frame that was kept: more than a few bad machines make. */
export const MAX_MACHINE_FAILURES = 10;
const MAX_MACHINE_FAILURES_OF_JOB = 30;
const MACHINE_PATIENCE_MS = 6 * 3_600_000;
/** Machine failures that are further apart are of different troubles: a job may have waited for a worker in between. */
const MACHINE_GAP_MS = 3_600_000;
/** A storage that is unavailable longer than a night and a morning needs a person. */
const STORAGE_PATIENCE_MS = 24 * 3_600_000;
/** Storage failures that are further apart belong to different outages: an attempt waits for the storage itself. */
const STORAGE_OUTAGE_GAP_MS = 3_600_000;
/** How long a worker is passed over after it failed a task in a way that another one may not. */
const EXCLUDED_MS = 60_000;
const BACKOFF_MS = 1000;
const LONGEST_BACKOFF_MS = 60_000;

/**
 * Lua of the scripts that end attempts: what one failure or loss counts against, whether it ends the job, and when the task is tried
 * again. It needs `workerFailures`.
 */
export const taskFailures = `
-- Keys: task:<task>, :excluded and :failed-on, job:<job>, worker:<worker> of those that failed it, events

local function slot_of(task)
  return redis.call('HGET', P .. 'task:' .. task, 'kind') == 'render' and 'render' or 'media'
end

-- How often each worker failed this task with each code, and when it did first.
local function note_failure(key, worker, code, is_machine)
  local field = worker .. ' ' .. code
  local count, first = string.match(redis.call('HGET', key .. ':failed-on', field) or '', '^(%d+) (%d+)$')
  redis.call('HSET', key .. ':failed-on', field, (tonumber(count or '0') + (is_machine and 1 or 0)) .. ' ' .. (first or now))
end

-- Whether two workers failed the task alike, or one did before and after it had proved itself: then it is the job's own.
local function failed_alike(key, worker, code, slot)
  local workers, proved = {}, false
  local rows = redis.call('HGETALL', key .. ':failed-on')
  for i = 1, #rows, 2 do
    local other, other_code = string.match(rows[i], '^(%S+) (.*)$')
    if other_code == code then
      local count, first = string.match(rows[i + 1], '^(%d+) (%d+)$')
      workers[#workers + 1] = {other, tonumber(count)}
      local proved_at = other == worker and redis.call('HGET', P .. 'worker:' .. worker, 'provedAt')
      if proved_at and tonumber(proved_at) > tonumber(first) then proved = true end
    end
  end
  if #workers < 2 and not proved then return false end
  for _, row in ipairs(workers) do forgive_worker(row[1], slot, row[2]) end
  return true
end

-- An engine that gave a render up for a reason of its own does so again, wherever it runs.
local function failed_before(key, code)
  for _, field in ipairs(redis.call('HKEYS', key .. ':failed-on')) do
    if string.match(field, '^%S+ (.*)$') == code then return true end
  end
  return false
end

local function backoff(count)
  if count <= 1 then return 0 end
  return math.min(${BACKOFF_MS} * 2 ^ (count - 2), ${LONGEST_BACKOFF_MS})
end

local function exclude(key, worker)
  redis.call('HSET', key .. ':excluded', worker, now + ${EXCLUDED_MS})
  redis.call('HSET', key, 'excludes', 1)
end

local function too_many_machine_failures(key, job_key)
  local row = redis.call('HMGET', job_key, 'machineFailingSince', 'machineFailedAt')
  local since, last = tonumber(row[1] or ''), tonumber(row[2] or '')
  if not since or now - (last or since) > ${MACHINE_GAP_MS} then since = now end
  redis.call('HSET', job_key, 'machineFailingSince', since, 'machineFailedAt', now)
  local of_job = redis.call('HINCRBY', job_key, 'machineFailures', 1)
  local of_task = redis.call('HINCRBY', key, 'machineFailures', 1)
  return of_task >= ${MAX_MACHINE_FAILURES} or of_job >= ${MAX_MACHINE_FAILURES_OF_JOB}
    or now - since > ${MACHINE_PATIENCE_MS}
end

local function storage_outage_too_long(key)
  local row = redis.call('HMGET', key, 'storageFailingSince', 'storageFailedAt')
  local since, last = tonumber(row[1] or ''), tonumber(row[2] or '')
  if not since or now - last > ${STORAGE_OUTAGE_GAP_MS} then since = now end
  redis.call('HSET', key, 'storageFailingSince', since, 'storageFailedAt', now)
  redis.call('HINCRBY', key, 'storageFailures', 1)
  return now - since > ${STORAGE_PATIENCE_MS}
end

-- Returns whether the job ends with it, and otherwise after how many milliseconds the task is ready again.
local function count_failure(task, job, worker, failure)
  local key, job_key, slot = P .. 'task:' .. task, P .. 'job:' .. job, slot_of(task)
  local class, ends = failure.class, false
  if class == 'machine' then
    ends = too_many_machine_failures(key, job_key)
    blame_worker(worker, slot, failure.error)
  elseif class == 'storage' then
    ends = storage_outage_too_long(key)
  else
    ends = redis.call('HINCRBY', key, 'failures', 1) >= ${MAX_FAILURES} or class == 'input'
  end
  if class == 'engine' then ends = ends or failed_before(key, failure.code) end
  exclude(key, worker)
  if failure.code ~= '' then
    note_failure(key, worker, failure.code, class == 'machine')
    ends = failed_alike(key, worker, failure.code, slot) or ends
  end
  local counts = redis.call('HMGET', key, 'failures', 'machineFailures', 'storageFailures')
  return ends, backoff(tonumber(counts[1] or '0') + tonumber(counts[2] or '0') + tonumber(counts[3] or '0'))
end

local function count_success(task, job, worker)
  local key, slot = P .. 'worker:' .. worker, slot_of(task)
  redis.call('HDEL', key, slot .. 'Failures')
  if slot == 'render' then redis.call('HDEL', key, 'quarantines') end
  forget_machine_failures(job)
end
`;
