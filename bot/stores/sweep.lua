-- sweep: whoever is overdue is rung, again after 1, 2, 4 ... 30 s, so that a long line is not made longer.
-- KEYS due clock   ARGV bell, at, most
-- Returns {rung, ms until the next is due or -1}.
local OLD_MS, OLD_MOST = 60000, 10
local due, clock = unpack(KEYS)
local bell = cjson.decode(ARGV[1])
bell.at = ARGV[2]
local now = milliseconds()
if now + 1000 < (tonumber(redis.call('GET', clock)) or 0) then
  -- The clock went back: no time that was set before means anything now. The limits begin anew, whoever waited for one
  -- waits no more, and everybody is looked at.
  for _, limit in ipairs(redis.call('KEYS', 'recado:limit:*')) do redis.call('DEL', limit) end
  for _, conversation in ipairs(redis.call('ZRANGE', due, 0, -1)) do
    local state = key(conversation, 'state')
    if redis.call('HDEL', state, 'permit', 'permit_wait', 'permit_stage') > 0 then
      redis.call('HDEL', state, 'speak_at', 'speak_wait')
    end
    redis.call('ZADD', due, now, conversation)
  end
  redis.call('DEL', LISTENING)
end
redis.call('ZREMRANGEBYSCORE', LISTENING, '-inf', now)
redis.call('ZREMRANGEBYSCORE', PAUSED, '-inf', now)
-- Of who has waited for long nothing may be left: a worker of an older version ends a turn without noting that here.
for _, conversation in ipairs(redis.call('ZRANGEBYSCORE', WAITING, '-inf', now - OLD_MS, 'LIMIT', 0, OLD_MOST)) do
  wait_on(conversation)
end
redis.call('SET', clock, now)
local late = redis.call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, ARGV[3])
for _, conversation in ipairs(late) do
  local state = key(conversation, 'state')
  local delay = math.min(30000, 2 * (tonumber(redis.call('HGET', state, 'ring_delay')) or 500))
  redis.call('HSET', state, 'ring_delay', delay)
  redis.call('ZADD', due, now + delay, conversation)
  ring(bell, conversation)
end
local soonest = redis.call('ZRANGE', due, 0, 0, 'WITHSCORES')
return {#late, soonest[2] and math.max(0, soonest[2] - now) or -1}
