-- begin: this bubble is about to be sent by the holder of the lease, within the platform's limits.
-- KEYS lease state out   ARGV token, turn, piece name, then per limit: key, most, window_ms
-- Returns {go} | {lost} | {settled} | {wait, ms}. settled: somebody has heard by now that it was sent.
-- The limits (GCRA) are shared by all workers. Whoever must wait has a permit for a time of its own, so that
-- nobody comes in vain; a second run takes a second place at worst, which is the safe side.
local LONGEST_LINE = 600000  -- ms; a limit that is taken for longer proves that the clock went back
local lease, state, out = unpack(KEYS)
if redis.call('GET', lease) ~= ARGV[1] then return {'lost'} end
local head = redis.call('LINDEX', out, 0)
local known = redis.call('HGET', state, ARGV[3]) or ''
if not head or string.match(head, '^1|([^|]+)|') ~= ARGV[2] or string.sub(known, 1, 4) == 'sent' then
  return {'settled'}
end

local now = milliseconds()
local permit = tonumber(redis.call('HGET', state, 'permit'))
if not permit then
  permit = now
  for i = 4, #ARGV, 3 do
    local interval = ARGV[i + 2] / ARGV[i + 1]
    local tolerance = math.max(tonumber(ARGV[i + 2]), interval)
    local before = tonumber(redis.call('GET', ARGV[i])) or 0
    if before > now + LONGEST_LINE then before = now end
    local arrival = math.max(now, before) + interval
    permit = math.max(permit, arrival - tolerance)
    redis.call('SET', ARGV[i], arrival, 'PX', math.ceil(arrival - now + tolerance))
  end
  permit = math.ceil(permit)
  redis.call('HSET', state, 'permit', permit, 'permit_wait', permit - now)
else
  local longest = tonumber(redis.call('HGET', state, 'permit_wait')) or 0
  if permit > now + longest then permit = now end  -- the clock went back
end
if permit > now then return {'wait', permit - now} end
redis.call('HDEL', state, 'permit', 'permit_wait')
redis.call('HSET', state, ARGV[3], 'sending')
return {'go'}
