-- Ringing is one RQ job, "this conversation has work", written in the same step as its reason.
-- bell.fields is what RQ itself would write of such a job (bot/stores/bell.py), bell.at the time in RQ's own form.
local function milliseconds()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

local function ring(bell, conversation)
  if bell.queue == '' then return end  -- nobody listens: a conversation in one terminal
  local id = 'ring-' .. redis.call('INCR', 'recado:rings')
  local job = {'created_at', bell.at, 'enqueued_at', bell.at,
               'data', '["workers.jobs.answer", null, [' .. cjson.encode(conversation) .. '], {}]'}
  for name, value in pairs(bell.fields) do
    job[#job + 1] = name
    job[#job + 1] = value
  end
  redis.call('HSET', 'rq:job:' .. id, unpack(job))
  redis.call('SADD', 'rq:queues', bell.queue)
  redis.call('RPUSH', bell.queue, id)
end

local function key(conversation, part)
  return 'recado:{' .. conversation .. '}:' .. part
end
