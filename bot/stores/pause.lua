-- pause: the platform wants nothing for a while, in this chat or (a limit's key is given) from anybody.
-- KEYS state   ARGV ms, key of the limit or ''
-- A longer pause that is known already stays.
local now = milliseconds()
if ARGV[2] ~= '' then
  local known, left = tonumber(redis.call('GET', ARGV[2] .. ':pause')) or 0, redis.call('PTTL', ARGV[2] .. ':pause')
  if left > known then left = 0 end  -- the clock went back
  local wait = math.max(ARGV[1], left)
  if wait > 0 then redis.call('SET', ARGV[2] .. ':pause', wait, 'PX', wait) end
elseif redis.call('EXISTS', KEYS[1]) == 1 then
  local wait = math.max(ARGV[1], not_before(KEYS[1], 'pause', now) - now)
  redis.call('HSET', KEYS[1], 'pause_at', now + wait, 'pause_wait', wait)
end
