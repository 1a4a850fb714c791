-- offer: a stranger's code: the one they have, or this new one, unless too many strangers have one.
-- KEYS pairing access   ARGV who, new code, life_ms, most, what else is known of them
-- Returns the code, or '', or nothing: they were let in meanwhile.
if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1 then return false end
local now, count, found = milliseconds(), 0, nil
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local ends, code = string.match(all[i + 1], '^1|(%d+)|(%w+)|')
  ends = tonumber(ends)
  if ends <= now or ends > now + ARGV[3] then  -- later than any: the clock went back
    redis.call('HDEL', KEYS[1], all[i])
  else
    count = count + 1
    if all[i] == ARGV[1] then found = code end
  end
end
if found then return found end
if count >= tonumber(ARGV[4]) then return '' end
redis.call('HSET', KEYS[1], ARGV[1], '1|' .. now + ARGV[3] .. '|' .. ARGV[2] .. '|' .. ARGV[5])
return ARGV[2]
