-- Where nothing is answered, and until when.
-- recado:paused  ZSET  conversation by when its pause ends; one without an end is not here
local PAUSED = 'recado:paused'

local function pause(conversation, reason, now, ms)
  local state = key(conversation, 'state')
  redis.call('HSET', state, 'paused', reason, 'paused_until', now + ms, 'paused_wait', ms)
  redis.call('ZADD', PAUSED, now + ms, conversation)
end

local function end_pause(conversation)
  redis.call('HDEL', key(conversation, 'state'), 'paused', 'paused_until', 'paused_wait')
  redis.call('ZREM', PAUSED, conversation)
end
