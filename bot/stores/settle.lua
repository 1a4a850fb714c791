-- settle: a platform's status names a bubble whose outcome nobody knows. It starts no turn.
-- KEYS due lease out state spoken   ARGV bell, at, conversation, id, turn, index, outcome, wait_ms
-- Returns 1 when the bubble was waiting for this, else 0: what was settled before stays as it was.
local due, lease, out, state, spoken = unpack(KEYS)
local bell = cjson.decode(ARGV[1])
bell.at = ARGV[2]
local conversation, id, turn, index, outcome = ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local known = redis.call('HGET', state, piece(turn, index)) or ''
if known ~= 'sending:' .. id and known ~= 'unknown:' .. id then
  if outcome ~= 'sent' then redis.call('HINCRBY', COUNTS, 'failed', 1) end  -- taken, and yet the person will not get it
  return 0
end
redis.call('HDEL', state, 'speak_at', 'speak_wait')
note(out, state, spoken, turn, index, outcome, tonumber(ARGV[8]))
if redis.call('EXISTS', lease) == 0 then
  redis.call('ZADD', due, 'LT', milliseconds() + 1000, conversation)
  ring(bell, conversation)
end
return 1
