-- What the other scripts share; it is put before each of them.
-- Ringing is one RQ job, "this conversation has work", written in the same step as its reason.
-- bell.fields is what RQ itself would write of such a job (bot/stores/bell.py), bell.at the time in RQ's own form.
local BACKOFF_LIMIT = 30000  -- ms that a deferred turn waits at most; a longer wait proves that the clock went back

local function milliseconds()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

local function key(conversation, part)
  return 'recado:{' .. conversation .. '}:' .. part
end

local function ring(bell, conversation)
  if bell.queue == '' then return end  -- nobody listens: a conversation in one terminal
  local state = key(conversation, 'state')
  local before = redis.call('HGET', state, 'ring')
  if before and redis.call('LPOS', bell.queue, before) then return end  -- it still stands in line
  local id = 'ring-' .. redis.call('INCR', 'recado:rings')
  local job = {'created_at', bell.at, 'enqueued_at', bell.at,
               'data', '["workers.jobs.answer", null, [' .. cjson.encode(conversation) .. '], {}]'}
  for name, value in pairs(bell.fields) do
    job[#job + 1] = name
    job[#job + 1] = value
  end
  redis.call('HSET', state, 'ring', id)
  redis.call('HSET', 'rq:job:' .. id, unpack(job))
  redis.call('SADD', 'rq:queues', bell.queue)
  redis.call('RPUSH', bell.queue, id)
end

-- When may it be spoken (name 'speak'), thought ('think')? 0: now. No wait is longer than it was when it was set.
local function not_before(state, name, now)
  local at = tonumber(redis.call('HGET', state, name .. '_at')) or 0
  local wait = tonumber(redis.call('HGET', state, name .. '_wait')) or BACKOFF_LIMIT
  if at > now + wait then return now end
  return at
end

-- Nothing is said before its own wait is over, nor before the pause that the platform wanted for this chat.
local function speak_after(state, now)
  return math.max(not_before(state, 'speak', now), not_before(state, 'pause', now))
end

-- Whether the batch that is being answered is to end: a stop was said after it.
local function stopped(conversation)
  local stop = tonumber(redis.call('HGET', key(conversation, 'state'), 'stop'))
  local last = stop and redis.call('LINDEX', key(conversation, 'wip'), -1)
  return last and stop > tonumber(string.match(last, '^%d+|(%d+)')) or false
end
