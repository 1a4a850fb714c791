-- What take and release share: pauses that end, and conversations in which nothing is left to do.

-- A pause that has an end is over then. One that is longer than it was when it began proves that the clock went back.
local function lift_pause(conversation, state, now)
  local ends, wait = unpack(redis.call('HMGET', state, 'paused_until', 'paused_wait'))
  ends, wait = tonumber(ends), tonumber(wait)
  if not ends then return end
  if ends <= now then
    end_pause(conversation)
  elseif wait and ends > now + wait then
    redis.call('HSET', state, 'paused_until', now + wait)
    redis.call('ZADD', PAUSED, now + wait, conversation)
  end
end

local FAREWELL_MS = 3600000  -- so long the last words to whoever wanted all to go are read on the chat page

-- Nothing is left to do: what is known of the conversation is kept for a while; for ever of who has opted out.
local function come_to_rest(conversation, state, turn, expire_ms)
  redis.call('ZREM', WAITING, conversation)
  redis.call('HDEL', state, 'ring', 'begun_at')
  local erased, paused, ends = unpack(redis.call('HMGET', state, 'erased', 'paused', 'paused_until'))
  if erased then
    redis.call('DEL', state, turn, (string.gsub(state, 'state$', 'spoken')))
    redis.call('PEXPIRE', (string.gsub(state, 'state$', 'page')), FAREWELL_MS)
  elseif ends or not paused then
    redis.call('PEXPIRE', state, expire_ms)
    redis.call('PEXPIRE', turn, expire_ms)
  end
end
