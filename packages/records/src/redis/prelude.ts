/**
 * Shared by every script. `P` is the key prefix and `now` is Redis TIME in milliseconds: no other clock takes part in
 * a status change. Statuses only ever change through `move_job`, `make_ready`, `cancel_task` and `end_attempt`.
 */
export const prelude = `
local P = KEYS[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- To the farm's stream, which API replicas follow: what nobody asks for again, such as progress, is kept only there.
local function add_passing_event(kind, job, task, attempt, worker, ...)
  local fields = {'type', kind, 'at', now, 'jobId', job or '', 'taskId', task or '',
    'attemptId', attempt or '', 'workerId', worker or '', ...}
  return redis.call('XADD', P .. 'events', 'MAXLEN', '~', 20000, '*', unpack(fields)), fields
end

-- And to the job's own stream, for replays, under the same id: a client may move between the two.
local function add_event(kind, job, task, attempt, worker, ...)
  local id, fields = add_passing_event(kind, job, task, attempt, worker, ...)
  if job and job ~= '' then
    redis.call('XADD', P .. 'job:' .. job .. ':events', 'MAXLEN', '~', 1000, id, unpack(fields))
  end
end

local function move_job(job, to)
  local key = P .. 'job:' .. job
  local row = redis.call('HMGET', key, 'status', 'owner', 'createdAt')
  local from, owner, created = row[1], row[2], row[3]
  for _, scope in ipairs({owner, '*'}) do
    redis.call('ZREM', P .. 'jobs:' .. scope .. ':' .. from, job)
    redis.call('ZADD', P .. 'jobs:' .. scope .. ':' .. to, created, job)
  end
  redis.call('HSET', key, 'status', to)
  if to == 'succeeded' or to == 'failed' or to == 'canceled' then
    redis.call('HSET', key, 'endedAt', now)
    redis.call('SREM', P .. 'live-jobs', job)
    redis.call('ZADD', P .. 'ended-jobs', now, job)
  end
  add_event('job-' .. to, job)
end

-- Puts a task where claims look, under a new generation, and returns its ticket.
local function make_ready(task, delay_ms)
  local key = P .. 'task:' .. task
  local generation = redis.call('HINCRBY', key, 'generation', 1)
  local row = redis.call('HMGET', key, 'taskClass', 'order', 'jobId')
  redis.call('HSET', key, 'status', 'ready', 'attemptId', '', 'notBefore', now + delay_ms, 'readyAt', now)
  redis.call('ZADD', P .. 'ready:' .. row[1], row[2], task)
  add_event('task-ready', row[3], task)
  return {task, row[1], generation, delay_ms}
end

-- A task that runs again for another reason starts with a clean sheet.
local function forget_failures(task_key)
  redis.call('HSET', task_key, 'failures', 0, 'losses', 0)
  redis.call('HDEL', task_key, 'machineFailures', 'storageFailures', 'storageFailingSince', 'storageFailedAt')
  redis.call('DEL', task_key .. ':excluded', task_key .. ':failed-on')
end

-- A job that gets on has machines that work.
local function forget_machine_failures(job)
  redis.call('HDEL', P .. 'job:' .. job, 'machineFailures', 'machineFailingSince', 'machineFailedAt')
end

-- The ticket of a task that is ready: adding one again does no harm.
local function ready_ticket(task)
  local row = redis.call('HMGET', P .. 'task:' .. task, 'status', 'taskClass', 'generation', 'notBefore')
  if row[1] ~= 'ready' then return nil end
  return {task, row[2], tonumber(row[3]), math.max(0, tonumber(row[4]) - now)}
end

local function ready_tickets(job)
  local tickets = {}
  for _, task in ipairs(redis.call('LRANGE', P .. 'job:' .. job .. ':tasks', 0, -1)) do
    tickets[#tickets + 1] = ready_ticket(task)
  end
  return tickets
end

local function renders_complete(job)
  for _, task in ipairs(redis.call('LRANGE', P .. 'job:' .. job .. ':tasks', 0, -1)) do
    local render = redis.call('HMGET', P .. 'task:' .. task, 'kind', 'status', 'frameCount', 'framesCommitted')
    if render[1] == 'render' and (render[2] ~= 'succeeded' or render[3] ~= render[4]) then return false end
  end
  return true
end

-- Whether every render of a running job has all its pieces: nothing is joined, and no job ends, without them.
local function has_all_pieces(job)
  local row = redis.call('HMGET', P .. 'job:' .. job, 'status', 'rendersLeft')
  return row[1] == 'running' and row[2] == '0' and renders_complete(job)
end

local function cancel_task(task)
  local key = P .. 'task:' .. task
  local row = redis.call('HMGET', key, 'status', 'taskClass', 'attemptId')
  if row[1] == 'running' then
    redis.call('PUBLISH', P .. 'stop', row[3])
  elseif row[1] == 'ready' or row[1] == 'pending' then
    redis.call('ZREM', P .. 'ready:' .. row[2], task)
    redis.call('HSET', key, 'status', 'canceled')
  end
end

local function cancel_tasks(job)
  for _, task in ipairs(redis.call('LRANGE', P .. 'job:' .. job .. ':tasks', 0, -1)) do cancel_task(task) end
end

-- A task's pieces lose their references; the storage sweep removes the objects. The list :dropped-pieces answers
-- commits that are sent again.
local function drop_pieces(task)
  local key = P .. 'task:' .. task
  for _, piece in ipairs(redis.call('LRANGE', key .. ':pieces', 0, -1)) do
    redis.call('RPUSH', key .. ':dropped-pieces', piece)
  end
  redis.call('DEL', key .. ':pieces')
  redis.call('HSET', key, 'framesCommitted', 0)
end

-- A succeeded job whose video was to be made again, and which ends without a new one, goes back to the one it had.
local function back_to_former_video(job)
  local key, assemble = P .. 'job:' .. job, P .. 'task:' .. job .. '-assemble'
  local former = redis.call('HGET', key, 'formerVideo')
  if not former or former == '' then return false end
  redis.call('HSET', key, 'video', former, 'formerVideo', '')
  redis.call('HSET', assemble, 'status', 'succeeded', 'result', former)
  move_job(job, 'succeeded')
  return true
end

local function finish_canceling(job)
  if redis.call('HGET', P .. 'job:' .. job, 'runningAttempts') ~= '0' then return end
  if back_to_former_video(job) then return end
  for _, task in ipairs(redis.call('LRANGE', P .. 'job:' .. job .. ':tasks', 0, -1)) do drop_pieces(task) end
  redis.call('HSET', P .. 'job:' .. job, 'framesCommitted', 0)
  move_job(job, 'canceled')
end

local function end_attempt(attempt, status, error, metrics)
  local key = P .. 'attempt:' .. attempt
  local row = redis.call('HMGET', key, 'jobId', 'taskId', 'workerId')
  redis.call('HSET', key, 'status', status, 'endedAt', now, 'error', error, 'metrics', metrics)
  redis.call('ZREM', P .. 'leases', attempt)
  redis.call('SREM', P .. 'leases-extended', attempt)
  redis.call('HINCRBY', P .. 'job:' .. row[1], 'runningAttempts', -1)
  redis.call('HINCRBY', P .. 'running-by-owner', redis.call('HGET', P .. 'job:' .. row[1], 'owner'), -1)
  redis.call('SREM', P .. 'worker:' .. row[3] .. ':attempts', attempt)
  add_event('attempt-' .. status, row[1], row[2], attempt, row[3])
end

local function fail_job(job, error)
  cancel_tasks(job)
  if back_to_former_video(job) then return end
  redis.call('HSET', P .. 'job:' .. job, 'error', error)
  move_job(job, 'failed')
end

-- Everything below a job's own record.
local function drop_details(job)
  local key = P .. 'job:' .. job
  for _, task in ipairs(redis.call('LRANGE', key .. ':tasks', 0, -1)) do
    local task_key = P .. 'task:' .. task
    for _, attempt in ipairs(redis.call('LRANGE', task_key .. ':attempts', 0, -1)) do
      redis.call('DEL', P .. 'attempt:' .. attempt)
    end
    redis.call('DEL', task_key, task_key .. ':attempts', task_key .. ':pieces', task_key .. ':dropped-pieces',
      task_key .. ':excluded', task_key .. ':failed-on')
  end
  redis.call('DEL', key .. ':tasks', key .. ':events')
  redis.call('ZREM', P .. 'ended-jobs', job)
end

-- Whether the attempt may write for this task; then also the task's job and its status.
local function holds(task, attempt)
  local row = redis.call('HMGET', P .. 'task:' .. task, 'status', 'attemptId', 'jobId')
  if row[1] ~= 'running' or row[2] ~= attempt then return false end
  local status = redis.call('HGET', P .. 'job:' .. row[3], 'status')
  return status == 'preparing' or status == 'queued' or status == 'running' or status == 'canceling', row[3], status
end

-- Of an attempt that has just ended: whether its job is over or being canceled, so that its task ends here too.
local function ended_with_job(task, attempt)
  local key = P .. 'task:' .. task
  local held, job, job_status = holds(task, attempt)
  if held and job_status ~= 'canceling' then return false end
  if held or redis.call('HGET', key, 'attemptId') == attempt then redis.call('HSET', key, 'status', 'canceled') end
  if held then finish_canceling(job) end
  return true
end
`;
