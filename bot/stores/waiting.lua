-- Who waits for an answer, and since when: for whatever fills or empties a mailbox.
-- recado:waiting    ZSET  conversation by when the oldest of its messages was accepted that is neither answered nor heard
-- recado:listening  ZSET  conversation by when the burst is over that is listened to
local WAITING, LISTENING = 'recado:waiting', 'recado:listening'

-- Something more has dropped in.
local function begin_to_wait(conversation, now) redis.call('ZADD', WAITING, 'NX', now, conversation) end

-- Something was taken out: whoever has nothing left waits no more.
local function wait_on(conversation)
  local first = redis.call('LINDEX', key(conversation, 'wip'), 0) or redis.call('LINDEX', key(conversation, 'in'), 0)
  if not first then return redis.call('ZREM', WAITING, conversation) end
  redis.call('ZADD', WAITING, string.match(first, '^%d+|%d+|(%d+)'), conversation)
end
