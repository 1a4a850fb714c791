-- release: the holder lets go. More work is rung at the end of the line if anybody else waits there.
-- KEYS due in wip lease turn out state   ARGV bell, at, token, conversation, expire_ms, lease_ms, stay (1, or 0 for a worker that is leaving)
-- Returns again (keep the lease, go round) | rung | later | rest | lost.
local due, inbox, wip, lease, turn, out, state = unpack(KEYS)
local bell = cjson.decode(ARGV[1])
bell.at = ARGV[2]
local token, conversation = ARGV[3], ARGV[4]
if redis.call('GET', lease) ~= token then return 'lost' end
local now = milliseconds()
local function at_most(a, b) return a and math.min(a, b) or b end

local at = nil
if redis.call('EXISTS', out) == 1 then at = at_most(at, speak_after(state, now)) end
if redis.call('EXISTS', wip) == 1 then
  at = at_most(at, not_before(state, 'think', now))
elseif redis.call('EXISTS', inbox) == 1 then
  at = 0
end
if not at then
  redis.call('DEL', lease)
  redis.call('ZREM', due, conversation)
  come_to_rest(conversation, state, turn, ARGV[5])
  return 'rest'
end
if at > now then
  redis.call('DEL', lease)
  redis.call('ZADD', due, at, conversation)
  return 'later'
end
if ARGV[7] == '1' and redis.call('LLEN', bell.queue) == 0 then
  redis.call('PEXPIRE', lease, ARGV[6])
  redis.call('ZADD', due, now + ARGV[6], conversation)
  return 'again'
end
redis.call('DEL', lease)
redis.call('ZADD', due, now + 1000, conversation)
ring(bell, conversation)
return 'rung'
