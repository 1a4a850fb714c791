-- What lets a stranger in: for approve (the command line) and for commit (/pair).
local ACCESS, PAIRING = 'recado:access', 'recado:pairing'

-- Whoever has this code may write from now on, and reads the note, outside of any turn. A second run finds the code used.
-- Returns 1 when they are admitted, now or before.
local function admit(who, code, conversation, note)
  if string.match(redis.call('HGET', PAIRING, who) or '', '^1|%d+|(%w+)|') ~= code then
    return redis.call('HEXISTS', ACCESS, who)
  end
  local now = milliseconds()
  redis.call('HSET', ACCESS, who, '1|' .. now)
  redis.call('HDEL', PAIRING, who)
  redis.call('RPUSH', key(conversation, 'out'), note)
  redis.call('HDEL', key(conversation, 'state'), 'refused')
  redis.call('PERSIST', key(conversation, 'state'))
  redis.call('PERSIST', key(conversation, 'turn'))
  if redis.call('EXISTS', key(conversation, 'lease')) == 0 then
    redis.call('ZADD', 'recado:due', 'LT', now, conversation)  -- the next sweep rings; who holds it sees for himself
  end
  return 1
end
